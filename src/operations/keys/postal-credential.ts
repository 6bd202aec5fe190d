import { fingerprintOf } from '../../domain/fingerprint.ts';
import { OperatorError } from '../../domain/failure.ts';
import { Secret } from '../../domain/secret.ts';
import type { Runtime } from '../../runtime.ts';
import { openPostalOffice, type PostalCredential } from '../postal/office.ts';
import { ownName } from '../postal/wanted.ts';
import { setValues } from './env-values.ts';
import type { KindOfKey } from './kind.ts';
import { forgetPending } from './pending-secret.ts';

interface Credential {
  readonly name: string;
  readonly type: 'API' | 'SMTP';
  readonly variable: 'POSTAL_API_KEY' | 'POSTAL_SMTP_CREDENTIAL';
}

/**
 * A credential of our mail server. Postal makes its key and nobody can choose it: so the next one is named after the one it follows,
 * and a run that was cut off finds it again. Once the last one is destroyed it bears its name.
 */
export function credentialKind(
  credential: Credential,
): Omit<KindOfKey, 'users' | 'restartsPostal' | 'leastOverlapMs'> {
  const { name, type, variable } = credential;
  const inUse = async (world: Runtime) => (await world.config('operator'))[variable];
  return {
    subjects: async (world) => {
      const key = await inUse(world);
      return key ? [{ name, handle: fingerprintOf(key) }] : [];
    },
    newSecret: async (world, { old }) => {
      const office = await openPostalOffice(world);
      const successor = `${ownName} after ${old}`;
      const there = (await office.credentials()).find((one) => one.type === type && one.name === successor);
      return new Secret((there ?? (await office.createCredential({ type, name: successor }))).key);
    },
    handleOf: (_, { secret }) => fingerprintOf(secret),
    issue: async (world, { id, handle }) => {
      if ((await held(world, type)).some((one) => isOf(one, handle))) return;
      await forgetPending(world, id);
      throw gone(name);
    },
    distribute: (world, { secret }) => setValues(world, new Map([[variable, secret]])),
    lastUsed: async (world, { handle }) => {
      const at = (await held(world, type)).find((one) => isOf(one, handle))?.lastUsedAt;
      return at ? new Date(at) : undefined;
    },
    retire: async (world, { handle }) => {
      const key = await inUse(world);
      if (!key || fingerprintOf(key) === handle) throw stillUsed(variable);
      const there = await held(world, type);
      const successor = there.find((one) => isOf(one, fingerprintOf(key)));
      if (!successor) throw gone(name);
      const ids = there.filter((one) => isOf(one, handle)).map(({ id }) => id);
      await (await openPostalOffice(world)).retireCredentials(ids, { id: successor.id, name: ownName });
    },
  };
}

async function held(world: Runtime, type: string): Promise<readonly PostalCredential[]> {
  return (await (await openPostalOffice(world)).credentials()).filter((one) => one.type === type);
}

function isOf({ key }: PostalCredential, handle: string): boolean {
  return fingerprintOf(new Secret(key)) === handle;
}

function gone(name: string): OperatorError {
  return new OperatorError('refused', `the new credential of ${name} is not in Postal any more`, {
    hint: 'Somebody destroyed it. Run it again: another one is made',
  });
}

function stillUsed(variable: string): OperatorError {
  return new OperatorError('refused', `${variable} is still the credential that is to be destroyed`, {
    hint: 'Check that it comes from .env: mailctl config show --origin',
    field: variable,
  });
}
