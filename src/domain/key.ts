/** Kinds of keys that rotate, and what is said of each. */
export const keyKinds = {
  api: { means: 'a key with which a client uses the api', isShown: true },
  smtp: { means: 'the password of an SMTP user', isShown: true },
  'webhook-secret': { means: 'what signs the webhooks to an endpoint', isShown: true },
  relay: { means: 'what the relays show the api', isShown: false },
  postgres: { means: 'the login of the services at PostgreSQL', isShown: false },
  redis: { means: 'the password of Redis', isShown: false },
} as const satisfies Record<string, { readonly means: string; readonly isShown: boolean }>;

export type KeyKind = keyof typeof keyKinds;

export const keyKindNames = Object.keys(keyKinds) as KeyKind[];

/** pending: made, not used yet. active: in use. retiring: replaced, still accepted. retired: accepted no more. */
export type KeyState = 'pending' | 'active' | 'retiring' | 'retired';

/** One key of any kind as it is written down; its secret is not in it. */
export interface Key {
  readonly id: string;
  readonly kind: KeyKind;
  readonly name: string;
  /** What others call it: an id, a role, a fingerprint. */
  readonly handle: string;
  readonly state: KeyState;
  readonly createdAt: Date;
  readonly retiringAt: Date | undefined;
  readonly overlapMs: number;
}

/** What a rotation does next. */
export type Move =
  | { readonly move: 'issue' | 'switch' | 'retire' }
  | { readonly move: 'wait'; readonly until: Date; readonly why: string }
  | { readonly move: 'nothing' };

interface Facts {
  readonly now: Date;
  /** When the retiring key was last used; undefined where it was not, or where nobody can know. */
  readonly usedAt: Date | undefined;
  /** A new rotation is wanted, where none is under way. */
  readonly isWanted: boolean;
  /** Retire the old key although it may still be used. */
  readonly isForced: boolean;
}

/**
 * The next transition of a subject's keys. What was begun goes on before anything new begins, and the old key is retired only
 * when it was not used for the length of its overlap.
 */
export function nextMove(keys: readonly Key[], { now, usedAt, isWanted, isForced }: Facts): Move {
  if (keys.some(({ state }) => state === 'pending')) return { move: 'switch' };
  const old = keys.find(({ state }) => state === 'retiring');
  if (!old?.retiringAt) return { move: isWanted ? 'issue' : 'nothing' };
  const quietSince = usedAt && usedAt > old.retiringAt ? usedAt : old.retiringAt;
  const until = new Date(quietSince.getTime() + old.overlapMs);
  if (isForced || until <= now) return { move: 'retire' };
  const why = quietSince === old.retiringAt ? 'its overlap is not over' : 'it was used since it was replaced';
  return { move: 'wait', until, why };
}
