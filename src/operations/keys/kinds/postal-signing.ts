import { join } from 'node:path';

import { isPublished } from '../../../domain/dns-record.ts';
import { publicHalf } from '../../../domain/postal-webhook.ts';
import { Secret } from '../../../domain/secret.ts';
import type { Runtime } from '../../../runtime.ts';
import { lastSecretUse } from '../../../store/secret-uses.ts';
import { platformNames, signingRecord } from '../../postal/dns-records.ts';
import { setValues, valueNow } from '../env-values.ts';
import type { KindOfKey } from '../kind.ts';

const keyPath = 'secrets/postal-signing.key';
const publicPath = 'secrets/postal-signing.pub';
/** The key of before, until the rotation has ended. */
const keptPath = 'secrets/postal-signing.key.before-rotation';
const also = 'POSTAL_WEBHOOK_PUBLIC_KEY_ALSO';
const bits = 2048;

/**
 * Postal's one signing key. The api believes both keys before Postal's processes start anew with the next one. The same key signs mail
 * of domains that have none of their own, under one name in the DNS: so its record is published and seen first.
 */
export const postalSigningKind: KindOfKey = {
  subjects: async (world) => {
    const key = await keyNow(world);
    if (!key) return [];
    const handle = publicHalf(key).kid;
    return [
      { name: 'postal-signing', handle, lastUsedAt: await lastSecretUse(await world.postgres(), handle) },
    ];
  },
  newSecret: async (world) => (await world.makeRsaKey(bits)).privatePem,
  handleOf: (_, { secret }) => publicHalf(secret).kid,
  leastOverlapMs: ({ POSTAL_KEY_OVERLAP }) => POSTAL_KEY_OVERLAP,
  issue: async (world, { handle, secret }) => {
    const last = await keyNow(world);
    if (!last || publicHalf(last).kid === handle) return;
    const texts = [secret, last].map((key) => publicHalf(key).text).join(',');
    await setValues(world, new Map([[also, new Secret(texts)]]));
  },
  acceptors: {
    rooms: ['api'],
    variables: [also],
    heldFor: async (world) => new Secret((await valueNow(world, also)) ?? ''),
  },
  obstacle: async (world, { secret }) => {
    const config = await world.config('operator');
    const record = signingRecord(platformNames(config, publicHalf(secret).pem));
    const { name, type, value } = record;
    const answers = await (await world.dns()).ask(name, type).catch(() => []);
    const isSeen = answers.length > 0 && answers.every(({ values }) => isPublished(record, values));
    return isSeen ? undefined : `publish this record in place of the last one: ${name} ${type} "${value}"`;
  },
  restartsPostal: true,
  distribute: async ({ dir, files }, { handle, secret }) => {
    const last = await keyNow({ dir, files });
    if (last && publicHalf(last).kid === handle) return;
    const kept = join(dir, keptPath);
    if (last && (await files.readOwn(kept)) === undefined)
      await files.create(kept, `${last.reveal()}\n`, 0o600);
    await files.write(join(dir, publicPath), publicHalf(secret).pem, 0o600);
    await files.write(join(dir, keyPath), `${secret.reveal()}\n`, 0o600);
  },
  lastUsed: async ({ postgres }, { handle }) => lastSecretUse(await postgres(), handle),
  retire: async (world) => {
    await setValues(world, new Map([[also, undefined]]));
    await world.files.remove(join(world.dir, keptPath));
  },
};

async function keyNow({ dir, files }: Pick<Runtime, 'dir' | 'files'>): Promise<Secret | undefined> {
  const pem = (await files.readOwn(join(dir, keyPath)))?.trim();
  return pem ? new Secret(pem) : undefined;
}
