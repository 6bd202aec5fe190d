import { comparePositions, type Position } from '../../../domain/journal-place.ts';
import type { Batch } from '../journal/reader.ts';
import type { Ticket } from '../../breaker.ts';
import { type Answer, readAnswer } from './answer.ts';
import { type Api, idOf, postBatch } from './request.ts';
import type { Shipping } from './shipping.ts';

/** Ships turn by turn; when it is told to stop it only takes in the answers to what is under way. */
export async function shipUntilStopped(state: Shipping): Promise<void> {
  while (!state.isStopping) await survive(state, () => turn(state));
  await survive(state, async () => {
    while (state.window.length > 0) await settleFront(state);
  });
  for (const { done } of state.rewinds) done(Promise.reject(new Error('shipping has stopped')));
}

/** The journal's disk may fail while it is read: then everything that is not settled is shipped again, later. */
async function survive(state: Shipping, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (why) {
    state.world.log.error('shipping met a failure of the journal; it is tried again', { why });
    await startOver(state);
    await pause(state, state.config.RELAY_SHIP_REFUSED_DELAY);
  }
}

async function turn(state: Shipping): Promise<void> {
  const { config, world, window } = state;
  if (window.length === 0) await rewind(state);
  if (isFull(state) || state.rewinds.length > 0) return settleFront(state);
  const gatherMs = state.gatherUntilMs - world.clock.monotonicMs();
  if (gatherMs > 0) return pause(state, gatherMs);
  const batch = await world.journal.read(state.cursor, {
    records: state.most,
    bytes: config.RELAY_SHIP_BYTES,
  });
  if (batch.records.length === 0) return awaitWork(state, batch.next);
  if (window.length > 0 && isLarge(batch, config)) {
    batch.giveBack();
    return settleFront(state);
  }

  const leave = state.breaker.admit();
  if ('ticket' in leave) return begin(state, batch, leave.ticket);
  batch.giveBack();
  return window.length > 0 ? settleFront(state) : pause(state, leave.waitMs);
}

/** A message larger than a request travels with nothing beside it, so that memory holds one of them at most. */
function isFull({ config, window }: Shipping): boolean {
  return window.length >= config.RELAY_SHIP_CONCURRENCY || window.some(({ batch }) => isLarge(batch, config));
}

function isLarge(batch: Batch, { RELAY_SHIP_BYTES: limit }: Shipping['config']): boolean {
  return sizeOf(batch) > limit;
}

function sizeOf({ records }: Batch): number {
  return records.reduce((sum, { frame }) => sum + frame.length, 0);
}

async function rewind(state: Shipping): Promise<void> {
  for (const { since, done } of state.rewinds.splice(0)) {
    const start = state.world.journal.rewind(since);
    done(start);
    state.cursor = await start;
  }
}

function begin(state: Shipping, batch: Batch, ticket: Ticket): void {
  const { config, world } = state;
  const isGathered = batch.records.length >= state.most || sizeOf(batch) * 2 > config.RELAY_SHIP_BYTES;
  state.gatherUntilMs = isGathered ? 0 : world.clock.monotonicMs() + config.RELAY_SHIP_GATHER;
  state.cursor = batch.next;
  state.window = [...state.window, { batch, answer: ship(state, batch, ticket) }];
}

async function ship(
  { config, world, breaker, figures }: Shipping,
  batch: Batch,
  ticket: Ticket,
): Promise<Answer> {
  const api: Api = { ...world, url: config.API_INTERNAL_URL, token: config.API_INTERNAL_TOKEN };
  const withinMs = ticket.isProbe ? config.RELAY_SHIP_PROBE_TIMEOUT : config.RELAY_SHIP_TIMEOUT;
  const end = await postBatch(api, batch.records, withinMs);
  const answer = readAnswer(end, batch.records.map(idOf));
  breaker.settle(ticket, answer.kind === 'failed' ? 'failed' : 'answered');
  figures.requests[answer.kind] += 1;
  return answer;
}

/** Waits for the oldest request under way, or for more to ship. */
async function awaitWork(state: Shipping, next: Position): Promise<void> {
  const { journal } = state.world;
  const [front] = state.window;
  state.cursor = next;
  if (!front && comparePositions(next, journal.settled()) > 0) await journal.settle(next);
  const more = (stop: AbortSignal) => journal.whenBeyond(next, stop);
  if (!front) return wait(state, more);
  const answered = front.answer.then(() => 'answered' as const);
  const first = await wait(state, (stop) => Promise.race([answered, more(stop)]));
  if (first === 'answered' || state.isStopping) await settleFront(state);
}

async function settleFront(state: Shipping): Promise<void> {
  const [front, ...others] = state.window;
  if (!front) return;
  const answer = await front.answer;
  if (answer.kind !== 'judged') return retreat(state, front.batch, answer);
  state.refusal = undefined;
  state.most = Math.min(state.most * 2, state.config.RELAY_SHIP_RECORDS);
  await takeVerdicts(state, front.batch, answer);
  await state.world.journal.settle(front.batch.next);
  front.batch.giveBack();
  state.window = others;
}

async function takeVerdicts(
  { world, figures }: Shipping,
  batch: Batch,
  { verdicts }: Extract<Answer, { kind: 'judged' }>,
): Promise<void> {
  for (const [index, record] of batch.records.entries()) {
    const verdict = verdicts[index];
    if (!verdict) continue;
    figures.records[verdict.verdict] += 1;
    if (verdict.verdict !== 'refused') continue;
    const { id, reason } = verdict;
    await world.journal.setAside(record, reason);
    world.log.error('the api refused a message for good; it is set aside', { message_id: id, reason });
  }
}

/** After an answer that judges nothing: what is under way is waited for, and everything not settled is shipped again. */
async function retreat(
  state: Shipping,
  { records }: Batch,
  answer: Exclude<Answer, { kind: 'judged' }>,
): Promise<void> {
  const { config, world } = state;
  await startOver(state);
  if (answer.kind === 'failed') {
    world.log.warn('a batch did not reach the api', { why: answer.why, records: records.length });
    return pause(state, world.random.fraction() * config.RELAY_SHIP_RETRY_DELAY);
  }
  if (isAboutSize(answer.status) && records.length > 1) {
    state.most = Math.ceil(records.length / 2);
    return;
  }
  if (state.refusal !== answer.why)
    world.log.error('the api refuses the relay; nothing is shipped until it does not', {
      why: answer.why,
      first: records.map(idOf)[0],
    });
  state.refusal = answer.why;
  await pause(state, config.RELAY_SHIP_REFUSED_DELAY);
}

function isAboutSize(status: number): boolean {
  return status === 400 || status === 413;
}

async function startOver(state: Shipping): Promise<void> {
  await Promise.all(state.window.map(({ answer }) => answer));
  state.window = [];
  state.cursor = state.world.journal.settled();
}

function pause(state: Shipping, ms: number): Promise<void> {
  return wait(state, (stop) => state.world.clock.sleep(ms, stop));
}

/** Waits for something that a stop or a wish to ship again interrupts. */
async function wait<T>(state: Shipping, until: (stop: AbortSignal) => Promise<T>): Promise<T | undefined> {
  if (state.isStopping || state.rewinds.length > 0) return undefined;
  const waiting = new AbortController();
  state.waiting = waiting;
  return until(waiting.signal).finally(() => waiting.abort());
}
