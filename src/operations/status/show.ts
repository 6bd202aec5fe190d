import { join } from 'node:path';

import { OperatorError } from '../../domain/failure.ts';
import type { Runtime } from '../../runtime.ts';
import { sendingState } from '../../store/sending.ts';
import { backupStanding } from '../backup/standing.ts';
import { type ExpiringKey, expiringKeys, noticeText } from '../keys/expiry.ts';
import { rotationsLeftToHost } from '../keys/left-to-host.ts';
import { type ShownRow, showTimetable } from '../schedule/show.ts';
import { urlsOf } from '../stack/show-services.ts';
import { differencesOf, type ShownCertificate, showCertificates, warningsOf } from '../tls/show.ts';
import { askRelay, ownHops, postalHops, type ShownHop, type ToldByRelay } from './hops.ts';
import { askSenders, type ShownSenders } from './senders.ts';
import { containersSeen, localsSeen, type ServiceSeen } from './services.ts';
import { undecided } from './undecided.ts';

/** One screen about the platform. */
export interface Status {
  readonly healthy: boolean;
  /** Why it is not healthy. */
  readonly problems: readonly string[];
  readonly services: readonly ServiceSeen[];
  readonly hops: readonly ShownHop[];
  /** Null where the database could not be asked. */
  readonly sending: ShownSending | null;
  readonly certificates: readonly ShownCertificate[];
  /** When a set was last taken and last proven by restoring it; `strict` where nothing on this host opens sets. */
  readonly backup: {
    readonly last: string | null;
    readonly proven: string | null;
    readonly strict: boolean;
  };
  readonly keys: { readonly expiring: readonly ExpiringKey[] };
  /** Whether mail of a domain that Postal has not verified is refused; null where the database could not be asked. */
  readonly senders: ShownSenders | null;
  readonly schedule: readonly ShownRow[];
  readonly urls: Readonly<Record<string, string>>;
}

export interface ShownSending {
  readonly paused: boolean;
  readonly reason: string | null;
  readonly since: string | null;
  readonly until: string | null;
}

/** What was seen, and what is to be said of it although nothing is broken. */
export interface Seen {
  readonly status: Status;
  readonly warnings: readonly string[];
}

/** Looks at everything at once; what cannot be looked at becomes a problem, and the rest is still told. */
export async function lookAtPlatform(world: Runtime): Promise<Seen> {
  const config = await world.config('operator');
  const problems: string[] = [];
  const found = await lookAtParts(world, problems);
  const { certificates, expiring, sending } = found;
  const all = [...found.seen.problems, ...problems, ...differencesOf({ certificates })];
  const status = {
    healthy: all.length === 0 && sending?.paused !== true,
    problems: [...new Set(all)],
    services: found.seen.services,
    hops: found.hops,
    sending,
    certificates,
    backup: found.backup,
    keys: { expiring },
    senders: found.senders,
    schedule: found.rows,
    urls: urlsOf(config),
  };
  const warnings = [
    ...warningsOf({ certificates }, config, world.clock.now()),
    ...expiring.map((key) => noticeText(key)),
    ...found.warnings,
  ];
  return { status, warnings };
}

/** Gives what a look found; one that failed becomes a problem. */
function collecting(problems: string[]) {
  return async <T>(work: Promise<T>, otherwise: T): Promise<T> =>
    work.catch((cause: unknown) => {
      if (!(cause instanceof OperatorError)) throw cause;
      if (!problems.includes(cause.message)) problems.push(cause.message);
      return otherwise;
    });
}

async function lookAtParts(world: Runtime, problems: string[]) {
  const part = collecting(problems);
  const isStack = (await world.files.modeOf(join(world.dir, 'compose.yaml'))) !== undefined;
  const [seen, sending, relay, own, postal, { certificates }, expiring, left, { rows }, standing, mail] =
    await Promise.all([
      part(isStack ? containersSeen(world) : localsSeen(world), { services: [], problems: [] }),
      part(lookAtSending(world, problems), null),
      part<ToldByRelay>(askRelay(world), { hops: [], problems: [], warnings: [] }),
      part(ownHops(world), []),
      part(postalHops(world), []),
      part(lookAtCertificates(world), { certificates: [] }),
      part(expiringKeys(world), []),
      part(rotationsLeftToHost(world), []),
      part(showTimetable(world), { rows: [] }),
      part<Status['backup']>(backupStanding(world), { last: null, proven: null, strict: false }),
      part<ToldOfMail>(lookAtMail(world), { senders: null, warnings: [] }),
    ]);
  problems.push(...relay.problems);
  const hops = [...relay.hops, ...own.slice(0, 1), ...postal, ...own.slice(1)];
  const { last, proven, strict } = standing;
  const backup = { last, proven, strict };
  const warnings = [...relay.warnings, ...mail.warnings, ...left];
  return { seen, sending, hops, certificates, expiring, rows, backup, warnings, senders: mail.senders };
}

interface ToldOfMail {
  readonly senders: ShownSenders | null;
  readonly warnings: readonly string[];
}

async function lookAtMail(world: Runtime): Promise<ToldOfMail> {
  const [waiting, { senders, warnings }] = await Promise.all([undecided(world), askSenders(world)]);
  return { senders, warnings: [...waiting, ...warnings] };
}

/** Throws `check-failed`, with the status as data, when the platform is not healthy. */
export function refuseIllness(status: Status): void {
  if (status.healthy) return;
  const [first, ...more] = status.problems;
  const why = status.sending?.paused ? 'sending is paused' : (first ?? 'something is wrong');
  const others = status.sending?.paused ? status.problems.length : more.length;
  throw new OperatorError('check-failed', `not healthy: ${why}${others > 0 ? `, and ${others} more` : ''}`, {
    hint: status.sending?.paused
      ? 'Let mail go again: mailctl queue resume'
      : 'What a service says: mailctl logs SERVICE; start what is missing: mailctl up',
    data: status,
  });
}

async function lookAtSending(world: Runtime, problems: string[]): Promise<ShownSending> {
  const sending = await sendingState(await world.postgres());
  if (!sending) return flowing;
  const { pausedAt, pausedUntil, pausedReason, blockedReason } = sending;
  if (blockedReason !== null) problems.push(`nothing gets through to Postal: ${blockedReason}`);
  const isOver = pausedUntil !== null && pausedUntil <= world.clock.now();
  if (pausedAt === null || isOver) return { ...flowing, reason: blockedReason };
  const until = pausedUntil?.toISOString() ?? null;
  return { paused: true, reason: pausedReason, since: pausedAt.toISOString(), until };
}

const flowing: ShownSending = { paused: false, reason: null, since: null, until: null };

/** Where nothing of ours serves TLS, or nobody says where certificates are, there is nothing to compare. */
async function lookAtCertificates(world: Runtime) {
  const { TLS_SOURCE, CERT_DIR } = await world.config('operator');
  const known = CERT_DIR !== undefined || (await world.addresses.onHost());
  return TLS_SOURCE === 'off' || !known ? { certificates: [] } : showCertificates(world);
}
