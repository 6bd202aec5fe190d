import { OperatorError } from '../../domain/failure.ts';
import { searchBacklog } from '../../upkeep/journal-backlog.ts';
import type { JournalFiles } from '../journal/records.ts';
import type { FoundTrace } from './report.ts';
import { isMeant, receivedEntry, shownSubmission } from './submitted.ts';

/** Messages that lie in the relay's journal, newest first, and what of it was not looked through. */
export interface TracedBacklog {
  readonly traces: readonly FoundTrace[];
  readonly warnings: readonly string[];
}

interface Wanted {
  /** An id, a Message-ID or an address. */
  readonly text: string;
  readonly limit: number;
  /** RELAY_TRACE_BYTES. */
  readonly mostBytes: number;
}

/** The newest messages of this id, Message-ID or recipient that the relay accepted and the api does not have yet. */
export async function traceBacklog(
  { disk, directory }: JournalFiles,
  { text, limit, mostBytes }: Wanted,
): Promise<TracedBacklog> {
  const pick = (submission: Parameters<typeof receivedEntry>[0]): FoundTrace | undefined =>
    isMeant(submission, text)
      ? {
          message: shownSubmission(submission, { text, state: 'waiting' }),
          timeline: [receivedEntry(submission)],
          stuck: null,
          others: [],
        }
      : undefined;
  try {
    const { found, unread } = await searchBacklog(disk, directory, { pick, limit, mostBytes });
    return { traces: found, warnings: unread > 0 ? [notRead(unread)] : [] };
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    if (!(cause instanceof OperatorError) && !isOfDisk(cause)) throw cause;
    return { traces: [], warnings: [`what waits in the relay's journal was not looked through: ${why}`] };
  }
}

function notRead(bytes: number): string {
  const megabytes = Math.ceil(bytes / 1024 ** 2);
  return `${megabytes} MB of what waits in the relay's journal were not looked through: mailctl config explain RELAY_TRACE_BYTES`;
}

function isOfDisk(cause: unknown): boolean {
  return cause instanceof Error && 'code' in cause;
}
