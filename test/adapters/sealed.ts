import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { Decrypter } from 'age-encryption';

import { makeAgeKey, newSeal, sealOrder } from '../../src/adapters/age.ts';
import type { Secret } from '../../src/domain/secret.ts';
import type { SealOrder } from '../../src/adapters/sealing-program.ts';

/** A file that is to be sealed in a folder, and the key that opens it. */
export interface ToBeSealed {
  readonly order: SealOrder;
  readonly identity: Secret;
  /** What the file holds. */
  readonly sealed: () => Buffer;
  /** What it opens to. */
  readonly opened: () => Promise<Buffer>;
}

export async function toBeSealed(folder: string, pieceBytes = 4096): Promise<ToBeSealed> {
  const { identity, recipient } = await makeAgeKey();
  const path = join(folder, 'sealed.age');
  const order = { path, ...sealOrder(await newSeal([recipient])), pieceBytes, flushBytes: 3 * pieceBytes };
  const sealed = () => readFileSync(path);
  const opened = async () => {
    const age = new Decrypter();
    age.addIdentity(identity.reveal());
    return Buffer.from(await age.decrypt(sealed()));
  };
  return { order, identity, sealed, opened };
}
