import { formatDuration, parseDuration } from '../../domain/duration.ts';
import { OperatorError } from '../../domain/failure.ts';
import { parseTime } from '../../domain/time.ts';
import type { Runtime } from '../../runtime.ts';
import { dropDamaged } from '../../upkeep/damaged-records.ts';
import { wishReship } from '../../upkeep/reship-wish.ts';
import { dropSetAside, requeueSetAside } from '../../upkeep/set-aside.ts';
import type { Plan } from '../plan.ts';
import { findJournal, type JournalFiles, listRecords, type ShownRecord } from './records.ts';
import { requireRecord } from './show.ts';

/** What an act on the journal did. */
export interface JournalChanged {
  /** Records that were handed back or dropped; on a dry run, that would be. */
  readonly changed: number;
}

/** Which records are meant, as it was typed. */
export interface WrittenRecords {
  readonly ids: readonly string[];
  readonly all: boolean;
}

/** Plans to hand refused records back to the relay. Throws `usage` for one that is damaged: it can never be shipped. */
export async function planRequeue(runtime: Runtime, written: WrittenRecords): Promise<Plan<JournalChanged>> {
  const files = await findJournal(runtime);
  const chosen = await choose(files, written);
  const damaged = chosen.find(({ kind }) => kind === 'damaged');
  if (damaged && !written.all) throw beyondRepair(damaged.id);
  const refused = chosen.filter(({ kind }) => kind === 'refused');
  return planEach(refused, {
    title: 'Hand back to the relay',
    what: `hand ${refused.length} records back: the relay takes them in ${await whenNext(runtime)} and ships them once more`,
    do: 'requeue',
    act: ({ id }) => requeueSetAside(files.disk, files.directory, id),
  });
}

/** Plans to delete records for good. What was handed back is the relay's again and cannot be dropped. */
export async function planDrop(runtime: Runtime, written: WrittenRecords): Promise<Plan<JournalChanged>> {
  const files = await findJournal(runtime);
  const chosen = await choose(files, written);
  const handedBack = chosen.find(({ kind }) => kind === 'requeued');
  if (handedBack && !written.all) throw alreadyBack(handedBack.id);
  const dropped = chosen.filter(({ kind }) => kind !== 'requeued');
  return planEach(dropped, {
    title: 'Drop for good',
    what: `delete ${dropped.length} records: the relay answered 250 for them, and nobody will get them`,
    do: 'drop',
    confirm: `Drop ${dropped.length} accepted messages? They are lost.`,
    act: ({ id, kind }) => (kind === 'damaged' ? dropDamaged : dropSetAside)(files.disk, files.directory, id),
  });
}

/** Plans to have everything shipped again that the api acknowledged since then; the api stores nothing twice. Throws `usage` for no time. */
export async function planShip(runtime: Runtime, since: string): Promise<Plan<JournalChanged>> {
  const { disk, directory } = await findJournal(runtime);
  const from = startOf(since, runtime.clock.now());
  const { RELAY_JOURNAL_KEEP: keptMs } = await runtime.config('operator');
  const ageMs = runtime.clock.now().getTime() - from.getTime();
  const limit =
    ageMs > keptMs ? `; only the last ${formatDuration(keptMs)} are kept (RELAY_JOURNAL_KEEP)` : '';
  const what = `ask the relay to ship again what the api acknowledged since ${from.toISOString()}: it begins ${await whenNext(runtime)}${limit}`;
  return {
    title: 'Ship again what the api acknowledged',
    steps: [{ do: 'ship', what, run: () => wishReship(disk, directory, from) }],
    result: () => ({ changed: 1 }),
  };
}

interface EachRecord {
  readonly title: string;
  readonly what: string;
  readonly do: string;
  readonly confirm?: string;
  /** False when the record has gone meanwhile. */
  act(record: ShownRecord): Promise<boolean>;
}

function planEach(
  records: readonly ShownRecord[],
  { title, what, do: verb, confirm, act }: EachRecord,
): Plan<JournalChanged> {
  if (records.length === 0)
    return { title: `There is nothing to ${verb}`, steps: [], result: () => ({ changed: 0 }) };
  let changed: number | undefined;
  const run = async () => {
    changed = 0;
    for (const record of records) if (await act(record)) changed += 1;
  };
  return {
    title: `${title}: ${records.length} records`,
    ...(confirm !== undefined && { confirm }),
    steps: [{ do: verb, what, run }],
    result: () => ({ changed: changed ?? records.length }),
  };
}

async function choose(files: JournalFiles, { ids, all }: WrittenRecords): Promise<readonly ShownRecord[]> {
  if (ids.length > 0 && all)
    throw new OperatorError(
      'usage',
      'either ids or --all: with both it is not clear which records are meant',
      {
        hint: 'Leave one of them out; --all means every one',
        field: '--all',
      },
    );
  if (ids.length === 0 && !all)
    throw new OperatorError('usage', 'which records are meant?', {
      hint: 'Name ids from: mailctl journal list; --all means every one',
      field: '--all',
    });
  const records = await listRecords(files);
  return all ? records : [...new Set(ids)].map((id) => requireRecord(records, id));
}

async function whenNext({ config }: Runtime): Promise<string> {
  const { RELAY_JOURNAL_UPKEEP_INTERVAL: everyMs } = await config('operator');
  return `within ${formatDuration(everyMs)}, or when it starts`;
}

function startOf(text: string, now: Date): Date {
  const ms = parseDuration(text);
  const start = ms === undefined ? parseTime(text) : new Date(now.getTime() - ms);
  if (start && start < now) return start;
  throw new OperatorError('usage', `--since: "${text}" is no duration, and no time that has passed`, {
    hint: 'Write for example 2h, or 2026-01-31T12:00:00Z',
    field: '--since',
  });
}

function beyondRepair(id: string): OperatorError {
  return new OperatorError('usage', `${id} is damaged and cannot be shipped`, {
    hint: `See what is left of it: mailctl journal show ${id}; then: mailctl journal drop ${id}`,
    field: 'id',
  });
}

function alreadyBack(id: string): OperatorError {
  return new OperatorError('usage', `${id} was handed back: the relay ships it`, {
    hint: 'If the api refuses it again, it is set aside again and can be dropped then',
    field: 'id',
  });
}
