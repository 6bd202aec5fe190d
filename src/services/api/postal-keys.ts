import {
  type PostalKey,
  postalKeysOfJwks,
  postalKeysOfPem,
  postalKeysOfTexts,
} from '../../domain/postal-webhook.ts';
import type { ApiWorld } from './room.ts';

/** What is known of the key a webhook names. */
export type KeySearch =
  | { readonly kind: 'found'; readonly key: PostalKey }
  | { readonly kind: 'unknown' }
  /** Nobody could be asked; the same webhook may be believed later. */
  | { readonly kind: 'unreachable' };

/** Postal's signing keys by the name its webhooks give. */
export interface PostalKeys {
  find(kid: string): Promise<KeySearch>;
  /** Has what was learnt learnt anew. */
  forget(): void;
}

/** Those keys and, while a rotation names them, others; when it names others or none any more, `base` learns anew which are left. */
export function keysBesides(also: () => string | undefined, base: PostalKeys): PostalKeys {
  let read = { text: '', keys: [] as readonly PostalKey[] };
  return {
    find: async (kid) => {
      const text = also() ?? '';
      if (read.text !== text) {
        read = { text, keys: postalKeysOfTexts(text) };
        base.forget();
      }
      const key = read.keys.find((one) => one.kid === kid);
      return key ? { kind: 'found', key } : base.find(kid);
    },
    forget: base.forget,
  };
}

/** The keys that the configuration names; during a rotation there are two. */
export function pinnedKeys(pem: () => string | undefined): PostalKeys {
  let read = { pem: '', keys: [] as readonly PostalKey[] };
  return {
    find: async (kid) => {
      const now = pem() ?? '';
      if (read.pem !== now) read = { pem: now, keys: postalKeysOfPem(now) };
      const key = read.keys.find((one) => one.kid === kid);
      return key ? { kind: 'found', key } : { kind: 'unknown' };
    },
    forget: () => undefined,
  };
}

export interface JwksOptions {
  readonly url: string;
  /** Postal answers no other Host. */
  readonly hostname: string;
  /** How long a search takes at most, less than Postal waits for the answer to its webhook. */
  readonly timeoutMs: number;
  /** Wait before a Postal that did not tell its keys is asked again. */
  readonly retryMs: number;
  /** Least time between two fetches while a key is known, whether Postal answered or not: made-up names must not make us a burden. */
  readonly refetchMs: number;
  /** How long a key that left the set is still believed: webhooks wait up to 36 minutes at Postal. */
  readonly overlapMs: number;
}

interface Known {
  readonly key: PostalKey;
  /** Since when it is not in the set any more, on the monotonic clock. */
  readonly goneAtMs: number | undefined;
}

/**
 * Keys fetched from Postal's JWKS when a webhook names one that is not known. While Postal cannot be asked the webhook waits, for as long as
 * Postal waits for its answer: one that is refused comes again after minutes only. Where a key is known already a fetch that failed is not
 * tried again at once.
 */
export function jwksKeys(
  options: JwksOptions,
  { clock, http, log }: Pick<ApiWorld, 'clock' | 'http' | 'log'>,
): PostalKeys {
  let known: ReadonlyMap<string, Known> = new Map();
  let last: { readonly endedAtMs: number; readonly answered: boolean } | undefined;
  let fetching: Promise<boolean> | undefined;

  const believed = (kid: string) => keyOf(known.get(kid), clock.monotonicMs() - options.overlapMs);

  const learn = async (): Promise<boolean> => {
    const keys = await fetchPatiently(options, { clock, http, log });
    if (keys) known = merged(known, keys, clock.monotonicMs());
    last = { endedAtMs: clock.monotonicMs(), answered: keys !== undefined };
    return last.answered;
  };

  const refresh = (): Promise<boolean> | undefined => {
    const due = !last || known.size === 0 || clock.monotonicMs() - last.endedAtMs >= options.refetchMs;
    if (fetching || !due) return fetching;
    fetching = learn().finally(() => {
      fetching = undefined;
    });
    return fetching;
  };

  const find = async (kid: string): Promise<KeySearch> => {
    const cached = believed(kid);
    if (cached) return { kind: 'found', key: cached };
    const answered = (await refresh()) ?? last?.answered;
    const key = believed(kid);
    if (key) return { kind: 'found', key };
    return { kind: answered === false || known.size === 0 ? 'unreachable' : 'unknown' };
  };
  const forget = () => {
    known = new Map();
    last = undefined;
  };
  return { find, forget };
}

function keyOf(known: Known | undefined, believedSinceMs: number): PostalKey | undefined {
  const isGone = known?.goneAtMs !== undefined && known.goneAtMs < believedSinceMs;
  return isGone ? undefined : known?.key;
}

/** Asks until Postal tells its keys or the time is over. */
async function fetchPatiently(
  options: JwksOptions,
  { clock, http, log }: Pick<ApiWorld, 'clock' | 'http' | 'log'>,
): Promise<readonly PostalKey[] | undefined> {
  const untilMs = clock.monotonicMs() + options.timeoutMs;
  for (;;) {
    const keys = await fetchKeys(options, http, Math.ceil(untilMs - clock.monotonicMs()));
    if (typeof keys !== 'string') return keys;
    if (clock.monotonicMs() + options.retryMs >= untilMs) {
      log.warn("Postal's JWKS cannot be had", { why: keys });
      return undefined;
    }
    await clock.sleep(options.retryMs);
  }
}

async function fetchKeys(
  { url, hostname }: JwksOptions,
  http: ApiWorld['http'],
  withinMs: number,
): Promise<readonly PostalKey[] | string> {
  const ended = await http.exchange({
    method: 'GET',
    url: `${url}/.well-known/jwks.json`,
    headers: { host: hostname, accept: 'application/json' },
    withinMs,
  });
  if (ended.end !== 'answered') return ended.why;
  if (ended.status !== 200) return `Postal answered ${ended.status}`;
  const keys = postalKeysOfJwks(parsed(ended.body));
  return keys.length > 0 ? keys : 'the answer holds no RSA key';
}

function parsed(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8')) as unknown;
  } catch {
    // No JSON holds no keys.
    return undefined;
  }
}

function merged(
  before: ReadonlyMap<string, Known>,
  keys: readonly PostalKey[],
  nowMs: number,
): ReadonlyMap<string, Known> {
  const old = [...before].map(
    ([kid, { key, goneAtMs }]) => [kid, { key, goneAtMs: goneAtMs ?? nowMs }] as const,
  );
  return new Map<string, Known>([
    ...old,
    ...keys.map((key) => [key.kid, { key, goneAtMs: undefined }] as const),
  ]);
}
