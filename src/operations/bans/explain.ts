import type { Redis } from '../../adapters/redis.ts';
import type { ConfigOf } from '../../config/environment.ts';
import { withinAny } from '../../domain/ip-address.ts';
import type { Counted } from '../../domain/lockout.ts';
import type { Runtime } from '../../runtime.ts';
import { listFailures, listKnownNetworks, listLocks } from '../../upkeep/bans.ts';
import { type ShownBan, shownBan, withoutRedis } from './show.ts';
import { concerns, readTarget, type Target } from './subject.ts';

/** Why an address or a user name is let in or not. */
export interface BanExplanation {
  readonly verdict: string;
  readonly bans: readonly ShownBan[];
  /** Failed logins that are counted now, of how many that lock. */
  readonly counts: readonly {
    readonly subject: string;
    readonly failures: number;
    readonly of: number;
    readonly forgotten_at: string;
  }[];
  /** Networks where the user is at home: nobody elsewhere can lock it out there. */
  readonly known_networks: readonly string[];
}

/** Looks at all that is kept of an address, a network or a user name. */
export async function explainBan(runtime: Runtime, word: string): Promise<BanExplanation> {
  const target = readTarget(word);
  const config = await runtime.config('operator');
  const redis = await runtime.redis();
  if (!redis) return { verdict: withoutRedis, bans: [], counts: [], known_networks: [] };
  const now = runtime.clock.now();
  const locks = (await listLocks(redis)).filter(({ subject }) => concerns(target, subject));
  const bans = locks.map((lock) => shownBan(lock, now));
  return {
    verdict: verdictOf(target, bans, config),
    bans,
    counts: await countsOf(redis, target, { config, now }),
    known_networks: target.kind === 'username' ? await listKnownNetworks(redis, target.username) : [],
  };
}

async function countsOf(
  redis: Redis,
  target: Target,
  { config, now }: { readonly config: ConfigOf<'operator'>; readonly now: Date },
): Promise<BanExplanation['counts']> {
  const most: Readonly<Record<Counted, number>> = {
    network: config.LOCKOUT_NETWORK_FAILURES,
    username: config.LOCKOUT_USERNAME_FAILURES,
    pair: config.LOCKOUT_PAIR_FAILURES,
  };
  const counts = (await listFailures(redis)).filter(({ subject }) => concerns(target, subject));
  return counts.map(({ subject, failures, leftMs }) => ({
    subject,
    failures,
    of: most[countedOf(subject)],
    forgotten_at: new Date(now.getTime() + leftMs).toISOString(),
  }));
}

function countedOf(subject: string): Counted {
  if (subject.startsWith('network:')) return 'network';
  return subject.startsWith('pair:') ? 'pair' : 'username';
}

function verdictOf(target: Target, bans: readonly ShownBan[], config: ConfigOf<'operator'>): string {
  if (target.kind === 'address' && withinAny(config.RELAY_NEVER_COUNTED)(target.address))
    return 'never locked: RELAY_NEVER_COUNTED names it';
  const whole = bans.filter(({ subject }) => !subject.startsWith('pair:'));
  if (whole.length > 0) return whole.map((ban) => sentence(target, ban)).join('; ');
  if (bans.length > 0)
    return `locked for ${bans.map(({ subject }) => subject.slice('pair:'.length)).join(', ')}`;
  return 'not locked';
}

function sentence(target: Target, { subject, by, reason, until }: ShownBan): string {
  const who =
    by === 'operator' ? `by the operator${reason === null ? '' : ` (${reason})`}` : 'after failed logins';
  const exempt =
    target.kind === 'username' && by === 'failures' ? ', except in the networks it logged in from' : '';
  return `${subject} is locked ${who} until ${until ?? 'it is removed'}${exempt}`;
}
