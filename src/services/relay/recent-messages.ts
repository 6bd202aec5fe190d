import type { Clock } from '../../adapters/clock.ts';
import type { Dedupe } from '../../domain/submission.ts';

/** What names a message that a client may send again because our 250 was lost. */
export interface Named {
  readonly dedupe: Dedupe;
  readonly credentialId: string;
  /** The client's X-Idempotency-Key, and a digest of the DATA octets it stands for. */
  readonly explicit: { readonly key: string; readonly body: Buffer } | undefined;
}

/** The messages this relay accepted lately. The api decides; here only what is known for sure is answered at once. */
export interface RecentMessages {
  /** The id of the very same message; `other-body` when its idempotency key stood for different octets. */
  find(named: Named): { readonly first: string } | 'other-body' | undefined;
  note(named: Named, id: string): void;
}

interface Entry {
  readonly id: string;
  readonly at: number;
  readonly body: Buffer | undefined;
}

/** Remembers `most` messages for `windowMs`. Forgetting one is harmless: the api makes the second an alias of the first. */
export function openRecentMessages(
  clock: Pick<Clock, 'monotonicMs'>,
  { windowMs, most }: { readonly windowMs: number; readonly most: number },
): RecentMessages {
  const entries = new Map<string, Entry>();
  // The names in their order, in a ring: to ask a Map for its oldest key is slow where many before it were deleted.
  const names: string[] = [];
  let place = 0;
  const recent = (name: string) => {
    const entry = entries.get(name);
    return entry && clock.monotonicMs() - entry.at < windowMs ? entry : undefined;
  };
  const add = (name: string, entry: Entry) => {
    if (entries.has(name)) return void entries.set(name, entry);
    const oldest = names[place];
    if (oldest !== undefined) entries.delete(oldest);
    entries.set(name, entry);
    names[place] = name;
    place = (place + 1) % most;
  };
  return {
    find: (named) => {
      const same = recent(nameOfDigest(named));
      if (same) return { first: same.id };
      const body = named.explicit && recent(nameOfKey(named))?.body;
      return body && named.explicit?.body.equals(body) === false ? 'other-body' : undefined;
    },
    note: (named, id) => {
      const at = clock.monotonicMs();
      add(nameOfDigest(named), { id, at, body: undefined });
      if (named.explicit) add(nameOfKey(named), { id, at, body: named.explicit.body });
    },
  };
}

function nameOfDigest({ dedupe }: Named): string {
  const { buffer, byteOffset, length } = dedupe.digest;
  return Buffer.from(buffer, byteOffset, length).toString('latin1');
}

function nameOfKey({ credentialId, dedupe }: Named): string {
  return `${credentialId} ${dedupe.key}`;
}
