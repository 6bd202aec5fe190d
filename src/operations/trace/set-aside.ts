import { isId } from '../../domain/id.ts';
import type { Submission } from '../../domain/submission.ts';
import { decodeSubmission } from '../../domain/submission-codec.ts';
import { listRequeued, listSetAside, readSetAside, type SetAsideRecord } from '../../upkeep/set-aside.ts';
import type { JournalFiles } from '../journal/records.ts';
import type { FoundTrace, Stuck } from './report.ts';
import { isMeant, receivedEntry, shownSubmission } from './submitted.ts';

/**
 * The newest messages with this id, this Message-ID or this recipient that the relay accepted and the api refused, as its journal
 * knows them, at most `limit`, newest first.
 */
export async function traceSetAside(
  { disk, directory }: JournalFiles,
  text: string,
  limit: number,
): Promise<readonly FoundTrace[]> {
  const traces: FoundTrace[] = [];
  for (const name of await namesOf({ disk, directory }, text)) {
    const found = await unlessOutOfReach(readSetAside(disk, directory, name), undefined);
    const decoded = found && decodeSubmission(found.payload);
    if (found && decoded?.ok && isMeant(decoded.submission, text))
      traces.push(traceOf(found, decoded.submission, text));
    if (traces.length === limit) break;
  }
  return traces;
}

/** Names are ids, and so sort by time. */
async function namesOf({ disk, directory }: JournalFiles, text: string): Promise<readonly string[]> {
  if (isId('msg', text)) return [text];
  const lists = [listSetAside(disk, directory), listRequeued(disk, directory)];
  return (await unlessOutOfReach(Promise.all(lists), [])).flat().toSorted().toReversed();
}

function traceOf(found: SetAsideRecord, submission: Submission, text: string): FoundTrace {
  const { reason, refusedAt } = found.entry;
  return {
    message: shownSubmission(submission, { text, state: 'refused' }),
    timeline: [
      receivedEntry(submission),
      { at: refusedAt, hop: 'api', event: 'refused', recipient: null, detail: { reason } },
    ],
    stuck: stuckAside(submission.id, found),
    others: [],
  };
}

function stuckAside(id: string, { entry, isRequeued }: SetAsideRecord): Stuck {
  if (isRequeued)
    return {
      hop: 'relay',
      why: `it was handed back to the relay, which ships it once more (the api had refused it: ${entry.reason})`,
      command: null,
    };
  const why = `the api refused it for good: ${entry.reason}; the relay keeps it`;
  return { hop: 'api', why, command: `mailctl journal requeue ${id}` };
}

/** The files may be another user's; and the relay takes in what was handed back at any moment. */
async function unlessOutOfReach<T>(work: Promise<T>, otherwise: T): Promise<T> {
  return work.catch((cause: unknown) => {
    if (!isOutOfReach(cause)) throw cause;
    return otherwise;
  });
}

function isOutOfReach(cause: unknown): boolean {
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
  return ['ENOENT', 'ENOTDIR', 'EACCES', 'EPERM'].includes(code);
}
