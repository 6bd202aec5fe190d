import { formatDuration } from '../../domain/duration.ts';
import { OperatorError } from '../../domain/failure.ts';
import type { Runtime } from '../../runtime.ts';
import { relayStanding, type RelayStanding } from '../status/hops.ts';
import type { Stuck, Trace } from './report.ts';

/** A message that was found nowhere. */
interface Missing {
  /** An id, a Message-ID or an address. */
  readonly text: string;
  /** Why PostgreSQL could not be asked for it. */
  readonly away: OperatorError | undefined;
}

/**
 * The failure to find a message while accepted ones are stuck in the relay's journal, as it may be one of them; undefined where none
 * is, or where the relay does not tell.
 */
export async function stuckAtRelay(world: Runtime, missing: Missing): Promise<OperatorError | undefined> {
  const found = await relayObstacle(world, missing.away);
  if (!found) return undefined;
  const { stuck, depth } = found;
  const data: Trace = { message: null, timeline: [], stuck, others: [] };
  return new OperatorError(
    'check-failed',
    `${missing.text} was not found; it may be one of those stuck at the relay: ${depth}`,
    { hint: `What frees them: ${stuck.command}`, field: 'message', data, cause: missing.away },
  );
}

/** What keeps what waits in the relay's journal there, and how much does; undefined where nothing does, or where the relay does not tell. */
export async function relayObstacle(
  world: Runtime,
  away: OperatorError | undefined,
): Promise<{ readonly stuck: Stuck; readonly depth: number } | undefined> {
  const standing = await relayStanding(world).catch((cause: unknown) => {
    if (!(cause instanceof OperatorError)) throw cause;
    return undefined;
  });
  const obstacle = standing && standing.depth > 0 && (await obstacleOf(world, standing, away));
  if (!obstacle) return undefined;
  const { depth, oldestSeconds } = standing;
  const oldest = formatDuration(Math.ceil(oldestSeconds) * 1000);
  const why = `accepted messages wait in its journal: ${depth}, the oldest for ${oldest}, because ${obstacle.why}`;
  return { stuck: { hop: 'relay', why, command: obstacle.command }, depth };
}

interface Obstacle {
  readonly why: string;
  readonly command: string;
}

/** What keeps the relay from handing on what it accepted; undefined where it is doing that. */
async function obstacleOf(
  world: Runtime,
  { api, oldestSeconds }: RelayStanding,
  away: OperatorError | undefined,
): Promise<Obstacle | undefined> {
  const { E2E_TIMEOUT: patienceMs } = await world.config('operator');
  const isStack = await world.addresses.onHost();
  const either = (stack: string, variable: string) =>
    isStack ? stack : `mailctl config explain ${variable}`;
  if (api === 'refuses')
    return {
      why: 'the api refuses the relay; what it says: mailctl logs relay',
      command: either('mailctl up', 'API_INTERNAL_TOKEN'),
    };
  if (away)
    return { why: away.message, command: either('mailctl up postgres', away.field ?? 'POSTGRES_HOST') };
  if (api === 'silent')
    return {
      why: 'the api does not answer it as it should; what it says: mailctl logs api',
      command: either('mailctl up api', 'API_INTERNAL_URL'),
    };
  if (oldestSeconds * 1000 <= patienceMs) return undefined;
  return { why: 'the relay does not get them to the api in time', command: 'mailctl logs relay' };
}
