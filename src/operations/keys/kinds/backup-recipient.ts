import { resolve } from 'node:path';

import { OperatorError } from '../../../domain/failure.ts';
import { Secret } from '../../../domain/secret.ts';
import type { Runtime } from '../../../runtime.ts';
import { escrowPublicPath } from '../../backup/recipients.ts';
import { listSets } from '../../backup/sets.ts';
import { setValues, valueNow } from '../env-values.ts';
import type { KindOfKey, Subject } from '../kind.ts';

const escrow = 'backup-escrow';
const verify = 'backup-verify';

/**
 * Whom new sets are sealed to. The verify key is made here, and its file keeps the last one below the new one while a set needs it. Of the
 * escrow key only the public half may ever be on this host: the operator makes a pair elsewhere and names that half.
 */
export const backupRecipientKind: KindOfKey = {
  subjects: async (world) => [
    ...subject(escrow, await escrowNow(world)),
    ...subject(verify, await recipientOf(world, (await identities(world))[0])),
  ],
  lacks: ({ name, given }) => (name === escrow && given === undefined ? noRecipient() : undefined),
  newSecret: async (world, { name, given }) => {
    const age = await world.age();
    if (name === verify) return (await age.makeAgeKey()).identity;
    if (given === undefined || !age.isAgeRecipient(given)) throw noRecipient();
    return new Secret(given);
  },
  handleOf: async (world, { name, secret }) =>
    name === escrow ? secret.reveal() : ((await recipientOf(world, secret.reveal())) ?? ''),
  issue: async () => undefined,
  distribute: async (world, { name, secret }) => {
    if (name === escrow) return writeEscrow(world, secret);
    const others = (await identities(world)).filter((one) => one !== secret.reveal());
    await writeIdentities(world, [secret.reveal(), ...others]);
  },
  lastUsed: async (world, { handle }) => {
    const { BACKUP_DIR } = await world.config('operator');
    const place = { archive: await world.archive(), shelf: resolve(world.dir, BACKUP_DIR) };
    const isNeeded = (await listSets(place)).some(
      ({ manifest: { encryption } }) => encryption.verify === handle || encryption.escrow === handle,
    );
    return isNeeded ? world.clock.now() : undefined;
  },
  retire: async (world, { name, handle }) => {
    if (name === escrow) return;
    const kept: string[] = [];
    for (const one of await identities(world)) if ((await recipientOf(world, one)) !== handle) kept.push(one);
    await writeIdentities(world, kept);
  },
};

function subject(name: string, handle: string | undefined): readonly Subject[] {
  return handle === undefined ? [] : [{ name, handle }];
}

async function escrowNow(world: Runtime): Promise<string | undefined> {
  const named = await valueNow(world, 'BACKUP_ESCROW_RECIPIENT');
  return named || (await world.files.readOwn(resolve(world.dir, escrowPublicPath)))?.trim();
}

/** The public half goes where the last one stands. */
async function writeEscrow(world: Runtime, recipient: Secret): Promise<void> {
  if (await valueNow(world, 'BACKUP_ESCROW_RECIPIENT'))
    return setValues(world, new Map([['BACKUP_ESCROW_RECIPIENT', recipient]]));
  await world.files.write(resolve(world.dir, escrowPublicPath), `${recipient.reveal()}\n`, 0o600);
}

/** The verify keys of this host, the one in use first; none in the strict mode. */
async function identities(world: Runtime): Promise<readonly string[]> {
  const { BACKUP_VERIFY_KEY: path } = await world.config('operator');
  if (path === 'none') return [];
  const text = (await world.files.readOwn(resolve(world.dir, path))) ?? '';
  return text.split('\n').filter((line) => line.startsWith('AGE-SECRET-KEY-'));
}

async function writeIdentities(world: Runtime, all: readonly string[]): Promise<void> {
  const { BACKUP_VERIFY_KEY: path } = await world.config('operator');
  const lines: string[] = [];
  for (const one of all) lines.push(`# public key: ${await recipientOf(world, one)}`, one);
  await world.files.write(resolve(world.dir, path), `${lines.join('\n')}\n`, 0o600);
}

async function recipientOf(world: Runtime, identity: string | undefined): Promise<string | undefined> {
  return identity === undefined ? undefined : (await world.age()).recipientOf(new Secret(identity));
}

function noRecipient(): OperatorError {
  return new OperatorError('usage', 'the escrow key is made on another machine: its public half is missing', {
    hint: 'Run age-keygen where the secret half is to be kept, and name the line with age1: --recipient age1…',
    field: '--recipient',
  });
}
