import { createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';
import { Transform } from 'node:stream';

import { Decrypter, Encrypter, generateX25519Identity, identityToRecipient } from 'age-encryption';

import { OperatorError } from '../domain/failure.ts';
import { Secret } from '../domain/secret.ts';

/** A key pair of age: the identity opens, the recipient seals. */
export interface AgeKey {
  readonly identity: Secret;
  readonly recipient: string;
}

/** A new X25519 key pair. */
export async function makeAgeKey(): Promise<AgeKey> {
  const identity = await generateX25519Identity();
  return { identity: new Secret(identity), recipient: await identityToRecipient(identity) };
}

/** The recipient that an identity opens for, the first where several stand on lines of their own; undefined where the text is none. */
export async function recipientOf(identity: Secret): Promise<string | undefined> {
  const [first = ''] = identity.reveal().split('\n');
  return identityToRecipient(first).catch(() => undefined);
}

/** True for what age can seal to. */
export function isAgeRecipient(text: string): boolean {
  try {
    new Encrypter().addRecipient(text);
    return true;
  } catch {
    return false;
  }
}

/** What one file is sealed with. It stays in memory: whoever wrote the file can read it back without an identity. */
export interface FileSeal {
  /** The header and the nonce, which stand before the sealed octets. */
  readonly head: Buffer;
  readonly key: Buffer;
}

/** A seal that each of the recipients can open with the `age` tool (age-encryption.org/v1). */
export async function newSeal(recipients: readonly string[]): Promise<FileSeal> {
  const encrypter = new Encrypter();
  for (const recipient of recipients) encrypter.addRecipient(recipient);
  let fileKey = Buffer.alloc(0);
  encrypter.addRecipient({
    wrapFileKey: (key) => {
      fileKey = Buffer.from(key);
      return [];
    },
  });
  const empty = await encrypter.encrypt(new Uint8Array(0));
  const header = empty.subarray(0, empty.length - nonceBytes - tagBytes);
  const nonce = randomBytes(nonceBytes);
  return { head: Buffer.concat([header, nonce]), key: payloadKey(fileKey, nonce) };
}

/** Opens the beginning of a sealed file with one of the identities, which stand on lines of their own. Undefined when more octets are needed; throws `access-denied` for a foreign identity. */
export async function openSeal(start: Buffer, identity: Secret): Promise<FileSeal | undefined> {
  const end = headerEnd(start);
  if (end === undefined || start.length < end + nonceBytes) return undefined;
  const decrypter = new Decrypter();
  for (const one of identity.reveal().split('\n')) decrypter.addIdentity(one);
  const fileKey = await decrypter.decryptHeader(start.subarray(0, end)).catch((cause: unknown) => {
    throw notOpened(cause);
  });
  const head = Buffer.from(start.subarray(0, end + nonceBytes));
  return { head, key: payloadKey(fileKey, head.subarray(end)) };
}

/** Headers of a few recipients are far shorter, in octets. */
export const mostHeadBytes = 16_384;

const nonceBytes = 16;
const tagBytes = 16;
const chunkBytes = 64 * 1024;

function payloadKey(fileKey: Uint8Array, nonce: Uint8Array): Buffer {
  return Buffer.from(hkdfSync('sha256', fileKey, nonce, 'payload', 32));
}

function headerEnd(start: Buffer): number | undefined {
  const mac = start.indexOf('\n--- ');
  const end = mac < 0 ? -1 : start.indexOf('\n', mac + 1);
  return end < 0 ? undefined : end + 1;
}

/** What the program that seals is told of a seal; OpenSSL's cipher is some eight times as fast as one in JavaScript. */
export function sealOrder({ head, key }: FileSeal) {
  return { head: head.toString('base64'), key: key.toString('base64'), chunkBytes, tagBytes };
}

/** Opens what passes, from behind the head; fails as `check-failed` where an octet is wrong or the end is missing. */
export function unsealing({ key }: FileSeal): Transform {
  return chunked(chunkBytes + tagBytes, (pieces, nonce) => {
    try {
      const chunk = Buffer.concat(pieces);
      const decipher = createDecipheriv('chacha20-poly1305', key, nonce, { authTagLength: tagBytes });
      decipher.setAuthTag(chunk.subarray(-tagBytes));
      return [decipher.update(chunk.subarray(0, -tagBytes)), decipher.final()];
    } catch (cause) {
      throw damaged(cause);
    }
  });
}

type Turn = (pieces: readonly Buffer[], nonce: Buffer) => readonly Buffer[];

/** Passes chunks of one size, each as the pieces it came in, the last marked in its nonce: one is held back until it is known whether more comes. */
function chunked(size: number, turn: Turn): Transform {
  let waiting: Buffer[] = [];
  let room = size;
  let counter = 0n;
  const nonce = (isLast: boolean) => {
    const bytes = Buffer.alloc(12);
    bytes.writeBigUInt64BE(counter, 3);
    bytes[11] = isLast ? 1 : 0;
    counter += 1n;
    return bytes;
  };
  const turned = (to: Transform, isLast: boolean) => {
    for (const piece of turn(waiting, nonce(isLast))) if (piece.length > 0) to.push(piece);
    waiting = [];
    room = size;
  };
  const take = (to: Transform, piece: Buffer) => {
    for (let at = 0; at < piece.length;) {
      if (room === 0) turned(to, false);
      const part = piece.subarray(at, at + room);
      waiting.push(part);
      at += part.length;
      room -= part.length;
    }
  };
  return new Transform({
    transform(piece: Buffer, _encoding, done) {
      answer(done, () => take(this, piece));
    },
    flush(done) {
      answer(done, () => turned(this, true));
    },
  });
}

function answer(done: (error?: Error) => void, work: () => void): void {
  try {
    work();
  } catch (error) {
    return done(error as Error);
  }
  done();
}

function notOpened(cause: unknown): OperatorError {
  return new OperatorError('access-denied', 'the key does not open this set', {
    hint: 'It is sealed to other keys: mailctl backup show ID names them; --identity-file FILE names another key',
    field: '--identity-file',
    cause,
  });
}

function damaged(cause: unknown): OperatorError {
  return new OperatorError('check-failed', 'a sealed file is damaged or cut short', {
    hint: 'Use another set or another copy of it: mailctl backup list',
    cause,
  });
}
