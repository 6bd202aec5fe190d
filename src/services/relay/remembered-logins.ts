import { createHmac, timingSafeEqual } from 'node:crypto';

import { z } from 'zod';

import type { Clock } from '../../adapters/clock.ts';
import type { Secret } from '../../domain/secret.ts';
import { credentialShape } from './credential-shape.ts';
import type { Login } from './sasl.ts';
import type { Credential } from './session.ts';

/** A login that the api once said is right. */
export interface Remembered {
  readonly digest: Buffer;
  readonly credential: Credential;
  /** When the api said so. */
  readonly verifiedAt: number;
  /** When the api was last asked in vain. */
  readonly missedAt: number;
  /** The api has said since that it is right no longer. */
  readonly revoked: boolean;
  /** Kept in memory alone, to ask again; unknown after a restart until the client shows it. */
  readonly login: Login | undefined;
}

/** Digests of verified logins by user name, the last used kept. */
export interface RememberedLogins {
  /** Under a key, so that a stolen file tells nothing about a password without the secret of the platform. */
  digestOf(login: Login): Buffer;
  find(username: string): Remembered | undefined;
  keep(username: string, remembered: Remembered): void;
  /** All that a restart should find again. */
  asText(): string;
}

export interface RememberedOptions {
  readonly secret: Secret;
  readonly clock: Pick<Clock, 'now'>;
  readonly maxUsers: number;
}

const file = z.array(
  z.object({
    username: z.string(),
    digest: z.string().transform((text) => Buffer.from(text, 'base64')),
    verifiedAt: z.iso.datetime().transform((text) => new Date(text).getTime()),
    credential: credentialShape,
  }),
);

/** Opens the memory with what an earlier process left as `text`; what is no such text is forgotten. */
export function openRememberedLogins(
  { secret, clock, maxUsers }: RememberedOptions,
  text: string | undefined,
): RememberedLogins {
  const key = createHmac('sha256', secret.reveal()).update('mailctl relay logins').digest();
  const known = new Map<string, Remembered>();
  const keep = (username: string, remembered: Remembered) => {
    known.delete(username);
    known.set(username, remembered);
    const [oldest] = known.keys();
    if (known.size > maxUsers && oldest !== undefined) known.delete(oldest);
  };
  for (const { username, ...entry } of readFile(text)) {
    const verifiedAt = Math.min(entry.verifiedAt, clock.now().getTime());
    keep(username, { ...entry, verifiedAt, missedAt: 0, revoked: false, login: undefined });
  }
  return {
    digestOf: ({ username, password }) =>
      createHmac('sha256', key).update(`${username}\0${password.reveal()}`).digest(),
    find: (username) => known.get(username),
    keep,
    asText: () => JSON.stringify([...known].filter(([, { revoked }]) => !revoked).map(line)),
  };
}

/** True for the same login; both digests have the same length whatever the password. */
export function isSameLogin(remembered: Remembered | undefined, digest: Buffer): remembered is Remembered {
  return remembered?.digest.length === digest.length && timingSafeEqual(remembered.digest, digest);
}

function line([username, { digest, verifiedAt, credential }]: readonly [string, Remembered]) {
  return {
    username,
    digest: digest.toString('base64'),
    verifiedAt: new Date(verifiedAt).toISOString(),
    credential,
  };
}

function readFile(text: string | undefined): z.output<typeof file> {
  const read = file.safeParse(parseJson(text ?? '[]'));
  return read.success ? read.data : [];
}

/** A torn file costs one question to the api a user. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
