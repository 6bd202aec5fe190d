import { mkdtemp, realpath } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { OperatorError } from '../domain/failure.ts';
import { letsAllWrite } from './open-path.ts';
import type { ProgramOwner } from './program-owner.ts';

/** sun_path holds 108 octets with the closing zero. */
const longestSocketPath = 107;
const socketName = '.s.PGSQL.65535';

/** Makes a folder, mode 0700, in the first place where `owner` could remove it and where a socket's path is short enough. */
export async function makeClusterFolder(preferred: readonly string[], owner: ProgramOwner): Promise<string> {
  const tried: string[] = [];
  for (const place of [...preferred, tmpdir(), '/tmp']) {
    const attempt = await makeIn(place, owner);
    if (attempt.made) return attempt.path;
    tried.push(`${place} ${attempt.why}`);
  }
  throw new OperatorError('unreachable', `no folder can hold a database: ${tried.join('; ')}`, {
    hint: 'Set TMPDIR to a short path that every user may pass through, such as /tmp',
    field: 'TMPDIR',
  });
}

type Attempt =
  | { readonly made: true; readonly path: string }
  | { readonly made: false; readonly why: string };

async function makeIn(place: string, owner: ProgramOwner): Promise<Attempt> {
  const real = await realpath(place).catch(() => undefined);
  if (real === undefined) return { made: false, why: 'does not exist' };
  const pattern = join(real, 'mailctl-postgres-');
  if (Buffer.byteLength(join(`${pattern}XXXXXX`, socketName)) > longestSocketPath)
    return { made: false, why: 'is too long for a socket' };
  if (owner && !(await letsAllWrite(real))) return { made: false, why: `is closed to uid ${owner.uid}` };
  const path = await mkdtemp(pattern).catch(() => undefined);
  return path === undefined ? { made: false, why: 'cannot be written' } : { made: true, path };
}
