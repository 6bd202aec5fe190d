import { OperatorError } from '../../domain/failure.ts';
import type { Runtime } from '../../runtime.ts';
import type { Plan } from '../plan.ts';
import { createFile, makeFolder } from '../steps/files.ts';
import { requireSame } from './prove-part.ts';
import { ignoreOutput, readPart, sealOf } from './read-part.ts';
import {
  type Encryption,
  encryptionOf,
  escrowPublicPath,
  escrowRecipient,
  identityHere,
} from './recipients.ts';
import { listSets, requireSet } from './sets.ts';
import { setPath, type Workplace } from './workplace.ts';

/** The keys of a folder after `key make`; the escrow key's secret half only where it was not written to a file. */
export interface KeysMade {
  readonly key: { readonly escrow: string; readonly verify: string | null };
  readonly secret?: string;
}

/**
 * Plans the escrow key and the verify key. The secret half of the escrow key goes to `out` or is shown once, and stays nowhere on this
 * host. Throws `refused` where there is an escrow key already: earlier sets need it.
 */
export async function planKeys(place: Workplace, out: string | undefined): Promise<Plan<KeysMade>> {
  const { world, config } = place;
  const there = await escrowRecipient(place);
  if (there !== undefined) throw alreadyThere(there);
  const age = await world.age();
  const escrow = await age.makeAgeKey();
  const strict = config.BACKUP_VERIFY_KEY === 'none';
  const present = strict ? undefined : await identityHere(place, undefined);
  const verify = strict || present ? undefined : await age.makeAgeKey();
  const shown = present ? await age.recipientOf(present) : verify?.recipient;
  return {
    title: 'Make the keys that open backups',
    steps: [
      makeFolder('secrets', 0o700),
      ...(verify
        ? [
            createFile({
              path: config.BACKUP_VERIFY_KEY,
              content: identityText(verify.identity.reveal(), verify.recipient),
              mode: 0o600,
            }),
          ]
        : []),
      ...(out === undefined ? [] : [keyFile(out, identityText(escrow.identity.reveal(), escrow.recipient))]),
      createFile({ path: escrowPublicPath, content: `${escrow.recipient}\n`, mode: 0o600 }),
    ],
    result: () => ({
      key: { escrow: escrow.recipient, verify: shown ?? null },
      ...(out === undefined && { secret: escrow.identity.reveal() }),
    }),
  };
}

/** As `age-keygen` writes it. */
function identityText(identity: string, recipient: string): string {
  return `# public key: ${recipient}\n${identity}\n`;
}

function keyFile(path: string, content: string) {
  return {
    do: 'write',
    what: `write the secret half of the escrow key to ${path} (0600): take it off this host`,
    run: ({ files }: Runtime) => files.create(path, content, 0o600),
  };
}

/** Whom new sets are sealed to. */
export async function showKeys(place: Workplace): Promise<{ readonly key: Encryption }> {
  return { key: await encryptionOf(place) };
}

/** What a key was seen to open. */
export interface KeyTested {
  readonly id: string | null;
  readonly opened: readonly string[];
}

/**
 * Opens with the named key every part of a set, the newest unless one is named, to the last octet. Without any set it compares the key
 * with the public half. Throws `access-denied` for a foreign key.
 */
export async function testKey(place: Workplace, path: string, id: string | undefined): Promise<KeyTested> {
  const identity = await identityHere(place, path);
  if (!identity) throw new TypeError('a named key is there or refused');
  const sets = await listSets(place);
  if (id === undefined && sets.length === 0) {
    const recipient = await (await place.world.age()).recipientOf(identity);
    if (recipient !== (await escrowRecipient(place))) throw foreign(path);
    return { id: null, opened: [] };
  }
  const set = await requireSet(place, id);
  const opened: string[] = [];
  for (const part of set.manifest.parts) {
    const file = setPath(place, set.id, part.file);
    await requireSame(place, { path: file, bytes: part.bytes, sha256: part.sha256 });
    const cat = ignoreOutput((await place.world.programs()).start(['cat']));
    await readPart(place, { path: file, seal: await sealOf(place, file, identity), into: cat });
    opened.push(part.kind);
  }
  return { id: set.id, opened };
}

function foreign(path: string): OperatorError {
  return new OperatorError('access-denied', `${path} is not the secret half of the escrow key`, {
    hint: 'See whom sets are sealed to: mailctl backup key show',
    field: '--identity-file',
  });
}

function alreadyThere(recipient: string): OperatorError {
  return new OperatorError('refused', `there is an escrow key already: ${recipient}; nothing was changed`, {
    hint: `Earlier sets need its secret half. To change it: mailctl keys rotate --kind backup-recipient`,
    field: 'BACKUP_ESCROW_RECIPIENT',
  });
}
