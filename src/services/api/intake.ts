import type { Submission } from '../../domain/submission.ts';
import { insertSubmissions } from '../../store/messages.ts';
import type { ApiMetrics } from './api-metrics.ts';
import { type FrameVerdict, readFrame, readFrames } from './frames.ts';
import { newMessageOf, nothingBeside } from './new-message.ts';
import type { ApiWorld } from './room.ts';

export interface IntakeRoom extends Pick<ApiWorld, 'db' | 'random' | 'log'> {
  readonly metrics: ApiMetrics;
}

/**
 * Stores a batch of the relay's submissions in one statement and gives each its verdict, in their order. One that is stored already is
 * `stored` again, so that shipping twice stores once.
 */
export async function takeSubmissions(room: IntakeRoom, body: Uint8Array): Promise<readonly FrameVerdict[]> {
  const frames = readFrames(body).map(readFrame);
  const submissions = frames.flatMap((frame) => ('submission' in frame ? [frame.submission] : []));
  const refusals = await storeAll(room, submissions);
  const verdicts = frames.map((frame) =>
    'refused' in frame ? frame.refused : (refusals.get(frame.submission.id) ?? stored(frame.submission)),
  );
  verdicts.forEach(({ verdict }) => room.metrics.verdicts.inc({ verdict }));
  return verdicts;
}

function stored({ id }: Submission): FrameVerdict {
  return { id, verdict: 'stored' };
}

/** Refusals by id. Where PostgreSQL cannot take something in the batch, each is tried alone, so that none blocks the others. */
async function storeAll(
  room: IntakeRoom,
  submissions: readonly Submission[],
): Promise<ReadonlyMap<string, FrameVerdict>> {
  const messages = submissions.map((submission) => newMessageOf(submission, nothingBeside, room));
  try {
    const added = await insertSubmissions(room.db, messages);
    room.metrics.messages.inc({ source: 'smtp' }, added.length);
    return new Map();
  } catch (error) {
    if (!isAboutData(error)) throw error;
    if (submissions.length === 1) return refusalOf(submissions, error);
    room.log.warn('a batch holds something that cannot be stored', { size: submissions.length, error });
  }
  const refusals = new Map<string, FrameVerdict>();
  for (const submission of submissions) {
    for (const [id, refusal] of await storeAll(room, [submission])) refusals.set(id, refusal);
  }
  return refusals;
}

function refusalOf(submissions: readonly Submission[], error: Error): ReadonlyMap<string, FrameVerdict> {
  return new Map(
    submissions.map(({ id }) => [id, { id, verdict: 'refused', reason: `PostgreSQL: ${error.message}` }]),
  );
}

/** SQLSTATE classes 22 (data) and 23 (constraints): the same row would be refused for ever. */
function isAboutData(error: unknown): error is Error {
  return error instanceof Error && 'code' in error && /^2[23]/.test(String(error.code));
}
