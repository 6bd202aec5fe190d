import type { Listen } from '../../config/shapes.ts';
import type { Runtime } from '../../runtime.ts';
import { waitingAtPostal } from '../../store/postal/waiting.ts';
import { queueFigures } from '../../store/queue.ts';
import { webhookFigures } from '../../store/webhook-deliveries.ts';
import { OperatorError } from '../../domain/failure.ts';

/** What waits at a station of a message's way, and since when the oldest of it. */
export interface ShownHop {
  readonly hop: 'relay' | 'queue' | 'postal' | 'postal-webhooks' | 'webhooks';
  readonly depth: number;
  readonly oldest_seconds: number;
  /** Of the relay alone, whose journal takes so many. */
  readonly bytes?: number;
  /** Of the relay alone: what the api refused for good, and what is damaged. */
  readonly set_aside?: number;
}

/** What the relay says of itself. */
export interface ToldByRelay {
  readonly hops: readonly ShownHop[];
  readonly problems: readonly string[];
  readonly warnings: readonly string[];
}

/** Accepted mail that the api does not have yet, as the relay tells; mail set aside waits for the operator alone. */
export async function askRelay(world: Runtime): Promise<ToldByRelay> {
  const { depth, oldestSeconds, bytes, setAside, api } = await relayStanding(world);
  return {
    hops: [{ ...shown('relay', depth, oldestSeconds), bytes, set_aside: setAside }],
    problems:
      api === 'refuses'
        ? ['the api refuses the relay, so that nothing it accepts is handed on; why: mailctl logs relay']
        : [],
    warnings: setAside > 0 ? [`accepted messages are set aside: ${setAside}; mailctl journal list`] : [],
  };
}

/** What waits in the relay's journal, and how it gets on with the api: `silent` where it does not get through to it. */
export interface RelayStanding {
  readonly depth: number;
  readonly oldestSeconds: number;
  readonly bytes: number;
  readonly setAside: number;
  readonly api: 'answers' | 'refuses' | 'silent';
}

/** Asks the relay for it. Throws `unreachable` where it does not tell. */
export async function relayStanding(world: Runtime): Promise<RelayStanding> {
  const text = await relayMetrics(world);
  const isRefused = figureIn(text, 'mailctl_relay_refused') > 0;
  const isAsked = figureIn(text, 'mailctl_relay_circuit_closed') > 0;
  return {
    depth: figureIn(text, 'mailctl_relay_backlog_records'),
    oldestSeconds: figureIn(text, 'mailctl_relay_backlog_oldest_age_seconds'),
    bytes: figureIn(text, 'mailctl_relay_backlog_bytes'),
    setAside: figureIn(text, 'mailctl_relay_set_aside_records'),
    api: isRefused ? 'refuses' : isAsked ? 'answers' : 'silent',
  };
}

async function relayMetrics(world: Runtime): Promise<string> {
  const { RELAY_HEALTH_LISTEN, STATUS_TIMEOUT } = await world.config('operator');
  const container = await world.addresses.containerOf('relay');
  const url = `${originOf(container === undefined ? RELAY_HEALTH_LISTEN : { host: container, port: 9101 })}/metrics`;
  const end = await (await world.http()).exchange({ method: 'GET', url, withinMs: STATUS_TIMEOUT });
  if (end.end === 'answered' && end.status === 200) return end.body.toString();
  throw new OperatorError(
    'unreachable',
    `the relay does not tell what waits in its journal: ${end.end === 'answered' ? `answer ${end.status}` : end.why}`,
    { hint: 'See what it says: mailctl logs relay', field: 'RELAY_HEALTH_LISTEN' },
  );
}

/** The URL of a listener on this host, without a slash at the end. */
export function originOf({ host, port }: Listen): string {
  const own = { '0.0.0.0': '127.0.0.1', '::': '::1' }[host] ?? host;
  return `http://${own.includes(':') ? `[${own}]` : own}:${port}`;
}

/** A figure in the text that Prometheus reads: the sum of its samples. */
function figureIn(text: string, name: string): number {
  const samples = text.matchAll(new RegExp(`^${name}(?:\\{[^}]*\\})? (\\S+)$`, 'gm'));
  return [...samples].reduce((sum, [, value]) => sum + Number(value), 0);
}

/** What is due for Postal, and webhooks for AMS. */
export async function ownHops(world: Runtime): Promise<readonly ShownHop[]> {
  const db = await world.postgres();
  const [queue, webhooks] = await Promise.all([queueFigures(db), webhookFigures(db)]);
  return [
    shown('queue', queue.due, queue.oldestSeconds),
    shown('webhooks', webhooks.waiting, webhooks.oldestSeconds),
  ];
}

/** What waits in Postal; none where its databases cannot be asked. */
export async function postalHops(world: Runtime): Promise<readonly ShownHop[]> {
  const databases = await world.postalDatabase();
  if (!databases) return [];
  const { POSTAL_DB_NAME } = await world.config('operator');
  const { mail, webhooks } = await databases.session((session) => waitingAtPostal(session, POSTAL_DB_NAME));
  return [
    shown('postal', mail.depth, mail.oldestSeconds),
    shown('postal-webhooks', webhooks.depth, webhooks.oldestSeconds),
  ];
}

function shown(hop: ShownHop['hop'], depth: number, seconds: number): ShownHop {
  return { hop, depth, oldest_seconds: Math.round(seconds) };
}
