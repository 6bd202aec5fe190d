/** What the end of a key does: `refused` where we check it ourselves, else only `warned of`. */
export type AtEnd = 'refused' | 'warned of';

/** Kinds of keys that rotate, and what is said of each. */
export const keyKinds = {
  api: kept('a key with which a client uses the api', 'keys create'),
  smtp: kept('the password of an SMTP user', 'smtp-users create'),
  'webhook-secret': kept('what signs the webhooks to an endpoint', 'webhooks add'),
  relay: filed('what the relays show the api', 'init', 'refused'),
  postgres: filed('the login of the services at PostgreSQL', 'init'),
  redis: filed('the password of Redis', 'init'),
  mariadb: filed("the login of the worker at Postal's MariaDB", 'init'),
  'mariadb-postal': filed('the login of Postal itself at its MariaDB', 'init'),
  'mariadb-backup': filed("the login of backups at Postal's MariaDB", 'init'),
  'mariadb-root': filed("the password of MariaDB's root", 'init'),
  'postal-api': filed('the credential with which the worker hands mail to Postal', 'postal apply'),
  'postal-smtp': filed('the credential with which Postal sends mail of its own', 'postal apply'),
  'postal-webhook-token': filed("the secret path of Postal's webhooks", 'init', 'refused'),
  'postal-signing': filed(
    "what signs Postal's webhooks, and mail of domains without a key",
    'init',
    'refused',
  ),
  'backup-recipient': filed('whom new backup sets are sealed to', 'backup key make'),
};

interface KindNote {
  readonly means: string;
  /** What stands after `mailctl` where the first one is made. */
  readonly madeBy: string;
  /** Its secret is handed to a person. */
  readonly isShown: boolean;
  /** It stands in `.env` or in a file of the operator's folder. */
  readonly isFiled: boolean;
  readonly atEnd: AtEnd;
}

/** Kept in the database alone, in a form that shows it to nobody. */
function kept(means: string, madeBy: string): KindNote {
  return { means, madeBy, isShown: true, isFiled: false, atEnd: 'refused' };
}

function filed(means: string, madeBy: string, atEnd: AtEnd = 'warned of'): KindNote {
  return { means, madeBy, isShown: false, isFiled: true, atEnd };
}

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
  /** When it is to be replaced at the latest; that of a key of the api is written down with that key. */
  readonly expiresAt: Date | undefined;
  /** Why it was made, and who changed its state last. */
  readonly reason: string;
  readonly changedBy: string;
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
