import { resolve } from 'node:path';

import type { Manifest } from '../../domain/backup-set.ts';
import { OperatorError } from '../../domain/failure.ts';
import { Secret } from '../../domain/secret.ts';
import type { Workplace } from './workplace.ts';

export const escrowPublicPath = 'secrets/backup-escrow.pub';

/** Whom sets are sealed to. */
export type Encryption = Manifest['encryption'];

/** The recipients of this folder. Throws `config-invalid` where there is no escrow key or the verify key is missing. */
export async function encryptionOf(place: Workplace): Promise<Encryption> {
  const escrow = await escrowRecipient(place);
  if (escrow === undefined) throw noEscrow();
  const { BACKUP_VERIFY_KEY: path } = place.config;
  if (path === 'none') return { mode: 'strict', escrow, verify: null };
  const identity = await readIdentity(place, path);
  if (!identity) throw noVerifyKey(path);
  const verify = await (await place.world.age()).recipientOf(identity);
  if (verify === undefined) throw noVerifyKey(path);
  return { mode: 'verify-key', escrow, verify };
}

/** The public half of the escrow key; undefined where none was made. */
export async function escrowRecipient({ config, world }: Workplace): Promise<string | undefined> {
  if (config.BACKUP_ESCROW_RECIPIENT !== undefined) return config.BACKUP_ESCROW_RECIPIENT;
  const text = (await world.files.readOwn(resolve(world.dir, escrowPublicPath)))?.trim();
  if (text === undefined || (await world.age()).isAgeRecipient(text)) return text;
  throw new OperatorError('config-invalid', `${escrowPublicPath} holds no public key of age`, {
    hint: 'Put the line that begins with age1 there, or make a new key: mailctl backup key make',
    field: 'BACKUP_ESCROW_RECIPIENT',
  });
}

/** The key that opens sets here: the file the operator names, else the verify key; undefined in the strict mode. */
export async function identityHere(place: Workplace, named: string | undefined): Promise<Secret | undefined> {
  const path = named ?? place.config.BACKUP_VERIFY_KEY;
  if (named === undefined && path === 'none') return undefined;
  const identity = await readIdentity(place, path);
  if (identity || named === undefined) return identity;
  throw new OperatorError('usage', `${named} holds no key of age`, {
    hint: 'Name the file with the line that begins with AGE-SECRET-KEY-',
    field: '--identity-file',
  });
}

/** The secret keys in a file, as `age-keygen` writes them, one a line: the first is in use, others open earlier sets; undefined where there is none. */
async function readIdentity({ world }: Pick<Workplace, 'world'>, path: string): Promise<Secret | undefined> {
  const text = await world.files.readOwn(resolve(world.dir, path));
  const lines = (text ?? '').split('\n').filter((each) => each.startsWith('AGE-SECRET-KEY-'));
  return lines.length === 0 ? undefined : new Secret(lines.map((line) => line.trim()).join('\n'));
}

function noEscrow(): OperatorError {
  return new OperatorError('config-invalid', 'there is no escrow key, so a set could be sealed to nobody', {
    hint: 'Make one, and keep it off this host: mailctl backup key make',
    field: 'BACKUP_ESCROW_RECIPIENT',
  });
}

function noVerifyKey(path: string): OperatorError {
  return new OperatorError('config-invalid', `${path} holds no key that opens sets to prove them`, {
    hint: 'Make it: mailctl backup key make; or choose the strict mode: BACKUP_VERIFY_KEY=none',
    field: 'BACKUP_VERIFY_KEY',
  });
}
