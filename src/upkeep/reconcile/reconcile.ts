import type { Secret } from '../../domain/secret.ts';
import { OperatorError } from '../../domain/failure.ts';
import type { Mariadb, MariadbSession } from '../../adapters/mariadb.ts';
import type { ConfigOf } from '../../config/environment.ts';
import type { EventKind } from '../../domain/event.ts';
import type { KeptWebhook } from '../../domain/reconciliation.ts';
import {
  copiesOf,
  firstIdSince,
  happeningRows,
  happeningTables,
  postalNow,
} from '../../store/postal/happenings.ts';
import { findMailServer, type MailServer } from '../../store/postal/mail-server.ts';
import { historyRows, queuedWebhooks, type QueuedWebhooks } from '../../store/postal/webhook-history.ts';
import {
  comparedUntil,
  noteCompared,
  openAtPostal,
  type OpenAtPostal,
  unknownWebhooks,
} from '../../store/reconciliation.ts';
import type { TellingRules } from '../record-told.ts';
import type { Question } from './evidence.ts';
import { keptWebhook } from './kept-webhooks.ts';
import { type Compared, storeMissing, type StoringWorld } from './store-missing.ts';

/** What reconciling needs of the world. */
export interface ReconcileWorld extends StoringWorld {
  readonly mariadb: Mariadb;
}

/** How far back it looks, and how it finds the mail server. */
export type ReconcileSettings = Pick<
  ConfigOf<'operator'>,
  | 'POSTAL_API_KEY'
  | 'POSTAL_DB_NAME'
  | 'POSTAL_DB_MESSAGE_PREFIX'
  | 'POSTAL_RECONCILE_AFTER'
  | 'POSTAL_RECONCILE_WINDOW'
  | 'POSTAL_RECONCILE_BATCH'
  | 'SUPPRESSION_BOUNCE_EXPIRY'
  | 'BOUNCE_REPORT_HOLD'
>;

interface Wanted {
  /** How far back to look; undefined is where the last comparison ended. */
  readonly lookBackMs?: number | undefined;
  /** Only counts what is missing. */
  readonly dryRun: boolean;
  /** Asked before each page: a comparison that is to stop leaves the rest to the next one. */
  readonly goesOn: () => boolean;
}

/** What a comparison with Postal's databases found. Times are Postal's. */
export interface Reconciled {
  readonly since: Date;
  /** Everything before is compared and need not be looked at again. */
  readonly until: Date;
  /** Events that were stored, or would be, by kind. */
  readonly missing: Readonly<Partial<Record<EventKind, number>>>;
  /** Recipients that Postal had taken, and of which its databases know nothing any more. */
  readonly absent: number;
}

/**
 * Compares with Postal's own databases and stores exactly the events that no webhook told: those of its webhook history under their uuid,
 * then what its deliveries, loads and clicks show. What its webhook queue still holds is left alone. Doing it again changes nothing.
 */
export async function reconcile(
  world: ReconcileWorld,
  settings: ReconcileSettings,
  wanted: Wanted,
): Promise<Reconciled> {
  const run = await begin(world, settings, wanted);
  const tally = openTally();
  await fromHistory(run, tally);
  for (const table of happeningTables) await fromRows(run, run.server[table], tally);
  const absent = await fromOpen(run, tally);
  const until = new Date(Math.min(run.silentBefore.getTime(), tally.expectedFromMs()));
  if (!run.dryRun && run.reachesBack && run.goesOn()) await noteCompared(world.db, until);
  return { since: run.since, until, missing: tally.missing(), absent };
}

interface Run {
  readonly world: ReconcileWorld;
  readonly server: MailServer;
  readonly queued: QueuedWebhooks;
  readonly since: Date;
  readonly silentBefore: Date;
  /** It looks at all that no comparison before has looked at. */
  readonly reachesBack: boolean;
  readonly dryRun: boolean;
  readonly goesOn: () => boolean;
  readonly rules: Pick<TellingRules, 'bounceExpiryMs' | 'holdMs'>;
  readonly batch: number;
  readonly afterMs: number;
}

function madeKey(key: Secret | undefined): Secret {
  if (key) return key;
  throw new OperatorError('config-invalid', 'POSTAL_API_KEY is not set: it tells which mail server is ours', {
    hint: 'Let Postal make one: mailctl postal apply',
    field: 'POSTAL_API_KEY',
  });
}

async function begin(world: ReconcileWorld, settings: ReconcileSettings, wanted: Wanted): Promise<Run> {
  const { POSTAL_RECONCILE_AFTER: afterMs, POSTAL_RECONCILE_BATCH: batch } = settings;
  const databases = {
    main: settings.POSTAL_DB_NAME,
    messagePrefix: settings.POSTAL_DB_MESSAGE_PREFIX,
    apiKey: madeKey(settings.POSTAL_API_KEY),
  };
  const { server, nowMs, queued } = await world.mariadb.session(async (session) => {
    const found = await findMailServer(session, databases);
    const now = await postalNow(session);
    return { server: found, nowMs: now * 1000, queued: await queuedWebhooks(session, found, batch) };
  });
  const last = await comparedUntil(world.db);
  const oldestMs = nowMs - settings.POSTAL_RECONCILE_WINDOW;
  const usualMs = Math.max(oldestMs, last ? last.getTime() - afterMs : oldestMs);
  const sinceMs = wanted.lookBackMs === undefined ? usualMs : nowMs - wanted.lookBackMs;
  return {
    world,
    server,
    queued,
    since: new Date(sinceMs),
    silentBefore: new Date(nowMs - afterMs),
    reachesBack: sinceMs <= usualMs,
    dryRun: wanted.dryRun,
    goesOn: wanted.goesOn,
    rules: { bounceExpiryMs: settings.SUPPRESSION_BOUNCE_EXPIRY, holdMs: settings.BOUNCE_REPORT_HOLD },
    batch,
    afterMs,
  };
}

interface Tally {
  add(compared: Compared): void;
  missing(): Reconciled['missing'];
  expectedFromMs(): number;
}

/** Counts each row once: on a dry run it is met again in every table that leads to its message. */
function openTally(): Tally {
  const seen = new Map<string, EventKind>();
  let expectedFromMs = Number.POSITIVE_INFINITY;
  return {
    add: ({ missing, expectedFrom }) => {
      for (const { row, kind } of missing) seen.set(row, kind);
      expectedFromMs = Math.min(expectedFromMs, expectedFrom?.getTime() ?? expectedFromMs);
    },
    missing: () => {
      const counts: Partial<Record<EventKind, number>> = {};
      for (const kind of seen.values()) counts[kind] = (counts[kind] ?? 0) + 1;
      return counts;
    },
    expectedFromMs: () => expectedFromMs,
  };
}

async function compareMessages(
  { world, server, queued, dryRun, rules }: Run,
  ids: readonly number[],
  { kept, silentBefore }: Pick<Question, 'kept' | 'silentBefore'>,
): Promise<Compared & { readonly found: number }> {
  const distinct = [...new Set(ids)];
  const copies = await world.mariadb.session((session) => copiesOf(session, server, distinct));
  const question = { copies, kept, queued, silentBefore, serverId: server.id, dryRun, ...rules };
  return { ...(await storeMissing(world, question)), found: copies.length };
}

/** Nothing is silent yet, as the next page may name it. */
const nothingIsSilent = new Date(0);

/** First the history: what it names by uuid is the genuine event. */
async function fromHistory(run: Run, tally: Tally): Promise<void> {
  await eachPage(run, run.server.webhooks, async (session, from) => {
    const rows = await historyRows(session, run.server, { from, limit: run.batch });
    return { rows, compare: async () => compareHistory(run, rows, tally) };
  });
}

async function compareHistory(
  run: Run,
  rows: Awaited<ReturnType<typeof historyRows>>,
  tally: Tally,
): Promise<void> {
  const read = rows.flatMap((row) => keptWebhook(row) ?? []);
  const unknown = await unknownWebhooks(
    run.world.db,
    read.map(({ webhook }) => webhook.uuid),
  );
  const given = read.filter(({ webhook: { uuid } }) => unknown.has(uuid) && !run.queued.uuids.has(uuid));
  const distinct = new Map(given.toReversed().map((one) => [one.webhook.uuid, one]));
  if (distinct.size === 0) return;
  const kept = new Map<number, KeptWebhook[]>();
  for (const { id, webhook } of distinct.values()) kept.set(id, [...(kept.get(id) ?? []), webhook]);
  tally.add(await compareMessages(run, [...kept.keys()], { kept, silentBefore: nothingIsSilent }));
}

/** Then what its tables show; most of it is known. */
async function fromRows(run: Run, table: string, tally: Tally): Promise<void> {
  await eachPage(run, table, async (session, from) => {
    const rows = await happeningRows(session, table, { from, limit: run.batch });
    const ids = rows.map(({ messageId }) => messageId);
    return { rows, compare: async () => tally.add(await compareMessages(run, ids, nothingKept(run))) };
  });
}

function nothingKept({ silentBefore }: Run): Pick<Question, 'kept' | 'silentBefore'> {
  return { kept: new Map(), silentBefore };
}

interface Page {
  readonly rows: readonly { readonly id: number }[];
  compare(): Promise<void>;
}

/** Goes through a table of Postal's from `since` on, each page in a session of its own. */
async function eachPage(
  { world, since, batch, goesOn }: Run,
  table: string,
  read: (session: MariadbSession, from: number) => Promise<Page>,
): Promise<void> {
  let from = await world.mariadb.session((session) => firstIdSince(session, table, since.getTime() / 1000));
  while (from !== undefined && goesOn()) {
    const start = from;
    const page = await world.mariadb.session((session) => read(session, start));
    if (page.rows.length > 0) await page.compare();
    const last = page.rows.at(-1);
    from = last && page.rows.length >= batch ? last.id + 1 : undefined;
  }
}

/** Last, whatever Postal took and nothing has been heard of since: it may be in no queue any more. Counts what is not there at all. */
async function fromOpen(run: Run, tally: Tally): Promise<number> {
  let absent = 0;
  let after: Pick<OpenAtPostal, 'messageId' | 'position'> | undefined = { messageId: '', position: -1 };
  while (after && run.goesOn()) {
    const page: readonly OpenAtPostal[] = await openAtPostal(run.world.db, {
      after,
      olderThanMs: run.afterMs,
      limit: run.batch,
    });
    if (page.length === 0) return absent;
    const compared = await compareMessages(
      run,
      page.map(({ postalId }) => postalId),
      nothingKept(run),
    );
    tally.add(compared);
    absent += new Set(page.map(({ postalId }) => postalId)).size - compared.found;
    after = page.at(-1);
  }
  return absent;
}
