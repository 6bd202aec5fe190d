import type { Database } from '../../adapters/postgres.ts';
import { newId } from '../../domain/id.ts';
import type { Submission } from '../../domain/submission.ts';
import { insertSubmissions } from '../../store/messages.ts';
import { changeQueue } from '../../store/queue-changes.ts';
import { countSentMessages, findStanding, type Standing } from '../../store/smtp-credentials.ts';
import { insertAliases, recogniseResubmissions } from '../../store/resubmission.ts';
import { wishUnsubscribe } from '../../store/unsubscribe.ts';
import type { ApiMetrics } from './api-metrics.ts';
import { type FrameVerdict, readFrame, readFrames } from './frames.ts';
import { newMessageOf, nothingBeside } from './new-message.ts';
import { wishesOf } from './store-messages.ts';
import type { ApiConfig, ApiWorld } from './room.ts';

export interface IntakeRoom extends Pick<ApiWorld, 'db' | 'random' | 'log'> {
  readonly metrics: ApiMetrics;
  readonly limits: Pick<ApiConfig, 'DEDUPE_WINDOW' | 'DAILY_LIMIT'>;
}

type Verdicts = ReadonlyMap<string, FrameVerdict>;

/**
 * Stores a batch of the relay's submissions in one transaction and gives each its verdict, in their order. One that is stored already is
 * `stored` again, so that shipping twice stores once; one that its client sent again is an `alias` of the first.
 */
export async function takeSubmissions(room: IntakeRoom, body: Uint8Array): Promise<readonly FrameVerdict[]> {
  const frames = readFrames(body).map(readFrame);
  const submissions = frames.flatMap((frame) => ('submission' in frame ? [frame.submission] : []));
  const others = await storeAll(room, submissions);
  const verdicts = frames.map((frame) =>
    'refused' in frame ? frame.refused : (others.get(frame.submission.id) ?? stored(frame.submission)),
  );
  verdicts.forEach(({ verdict }) => room.metrics.verdicts.inc({ verdict }));
  return verdicts;
}

function stored({ id }: Submission): FrameVerdict {
  return { id, verdict: 'stored' };
}

/** The verdicts that are not `stored`. Where PostgreSQL cannot take something in the batch, each is tried alone, so that none blocks the others. */
async function storeAll(room: IntakeRoom, submissions: readonly Submission[]): Promise<Verdicts> {
  try {
    return await storeBatch(room, submissions);
  } catch (error) {
    if (!isAboutData(error)) throw error;
    if (submissions.length === 1) return refusalOf(submissions, error);
    room.log.warn('a batch holds something that cannot be stored', { size: submissions.length, error });
  }
  const verdicts = new Map<string, FrameVerdict>();
  for (const submission of submissions) {
    for (const [id, verdict] of await storeAll(room, [submission])) verdicts.set(id, verdict);
  }
  return verdicts;
}

async function storeBatch(room: IntakeRoom, submissions: readonly Submission[]): Promise<Verdicts> {
  const { db, limits, metrics } = room;
  const credentials = new Set(submissions.map(({ credentialId }) => credentialId));
  const standing = await findStanding(db, [...credentials]);
  const all = submissions.map((submission) => newMessageOf(submission, nothingBeside));
  const store = async (within: Database): Promise<Verdicts> => {
    const { aliases, sameName } = await recogniseResubmissions(within, submissions, limits.DEDUPE_WINDOW);
    const others = all.filter(({ submission }) => !aliases.has(submission.id));
    const messages = others.map((message) => ({
      ...message,
      sameNameAs: sameName.get(message.submission.id),
    }));
    const added = await insertSubmissions(within, messages);
    await wishUnsubscribe(within, wishesOf(messages));
    await insertAliases(within, aliases);
    const arrived = { submissions, added: new Set<string>(added), standing };
    await holdMail(within, room, arrived);
    await countSent(within, arrived, limits.DAILY_LIMIT !== undefined);
    metrics.messages.inc({ source: 'smtp' }, added.length);
    return new Map([...aliases].map(([id, of]) => [id, { id, verdict: 'alias', of }]));
  };
  const isNamed = submissions.some(({ dedupe }) => dedupe !== undefined);
  const isCounted = standing.limited.size > 0 || limits.DAILY_LIMIT !== undefined;
  const isMore = standing.holding.size > 0 || all.some(({ unsubscribe }) => unsubscribe !== undefined);
  return isNamed || isCounted || isMore ? db.transaction(store) : store(db);
}

interface Arrived {
  readonly submissions: readonly Submission[];
  readonly added: ReadonlySet<string>;
  readonly standing: Standing;
}

/** What was accepted of a user before it was disabled with its mail held is kept for the operator to decide. */
async function holdMail(
  within: Database,
  { random }: Pick<IntakeRoom, 'random'>,
  { submissions, added, standing }: Arrived,
): Promise<void> {
  const held = submissions.filter(
    ({ id, credentialId }) => added.has(id) && standing.holding.has(credentialId),
  );
  const [first] = held;
  if (!first) return;
  const messageIds = held.map(({ id }) => id);
  const limit = held.reduce((sum, { envelope }) => sum + envelope.rcptTo.length, 0);
  const at = first.receivedAt;
  await changeQueue(
    within,
    { act: 'hold', filter: { messageIds }, reason: 'the SMTP user is disabled and its mail held', limit },
    {
      at,
      eventId: () => newId('evt', at, random.bytes(10)),
      deliveryId: () => newId('whd', at, random.bytes(10)),
    },
  );
}

/** In the order of credentials, so that two batches at once do not wait for each other in a circle. */
async function countSent(
  within: Database,
  { submissions, added, standing }: Arrived,
  everybody: boolean,
): Promise<void> {
  const counts = new Map<string, number>();
  for (const { id, credentialId, receivedAt } of submissions) {
    const key = `${credentialId} ${receivedAt.toISOString().slice(0, 10)}`;
    const isCounted = everybody || standing.limited.has(credentialId);
    if (isCounted && added.has(id)) counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  for (const [key, messages] of [...counts].toSorted(([one], [other]) => (one < other ? -1 : 1))) {
    const [credentialId = '', day = ''] = key.split(' ');
    await countSentMessages(within, { credentialId, day, messages });
  }
}

function refusalOf(submissions: readonly Submission[], error: Error): Verdicts {
  return new Map(
    submissions.map(({ id }) => [id, { id, verdict: 'refused', reason: `PostgreSQL: ${error.message}` }]),
  );
}

/** SQLSTATE classes 22 (data) and 23 (constraints): the same row would be refused for ever. */
function isAboutData(error: unknown): error is Error {
  return error instanceof Error && 'code' in error && /^2[23]/.test(String(error.code));
}
