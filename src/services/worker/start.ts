import type { Clock } from '../../adapters/clock.ts';
import { type Http, openHttp } from '../../adapters/http.ts';
import type { Log } from '../../adapters/log.ts';
import type { Mariadb } from '../../adapters/mariadb.ts';
import { postalClient } from '../../adapters/postal.ts';
import { postalReader } from '../../adapters/postal-reader.ts';
import type { Database } from '../../adapters/postgres.ts';
import type { Random } from '../../adapters/random.ts';
import type { ConfigOf } from '../../config/environment.ts';
import { requirePostalKey } from '../../domain/postal-credential.ts';
import { publicOr } from '../../domain/ip-address.ts';
import { reachDatabase } from '../../store/reachable.ts';
import { type Health, type Probe, startHealth } from '../health.ts';
import { type Loop, startLoop, type Work } from '../loop.ts';
import { openMetrics } from '../metrics.ts';
import type { Running } from '../running.ts';
import { watchDatabaseClock } from './database-clock.ts';
import { deliveries } from './deliver.ts';
import { digestion } from './digest.ts';
import type { LookUp } from './doubt.ts';
import { type DueWatch, openDueWatch } from './due-watch.ts';
import { openGates } from './endpoint-gates.ts';
import { type Figures, openFigures } from './figures.ts';
import { inboundDigestion } from './inbound.ts';
import { watchPostal } from './lane.ts';
import { leaseGauges, type LeaseWatch, openLeaseWatch } from './lease-watch.ts';
import { openPulse, type Pulse } from './pulse.ts';
import { bounceReading } from './read-bounces.ts';
import { reconciliation } from './reconciliation.ts';
import { openRecords } from './record.ts';
import { senderDomains } from './sender-domains.ts';
import { webhookSending } from './send-webhooks.ts';
import { retention, upkeep } from './upkeep.ts';

type WorkerConfig = ConfigOf<'worker'>;

/** What the worker needs of the world. */
export interface WorkerWorld {
  readonly db: Database;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** Asks Postal's database about uncertain recipients; without it POSTAL_UNCERTAIN_POLICY decides. */
  readonly lookUp?: LookUp;
  /** Compared with regularly, so that no event is missing; without it events that Postal gave up stay so. */
  readonly postalDatabase?: Mariadb;
}

/** Starts delivering, working out Postal's webhooks, sending webhooks to AMS, and upkeep. */
export async function startWorker(config: WorkerConfig, world: WorkerWorld): Promise<Running> {
  requirePostalKey(config);
  const metrics = openMetrics('worker');
  const loops: Loop[] = [];
  const figures = openFigures(metrics, () =>
    Object.fromEntries(loops.map((loop) => [loop.name, loop.sinceProgressMs() / 1000])),
  );
  // After unclear ends every place may stay taken for the settle time: that is no stall.
  const due = openDueWatch(config.WORKER_STALL_AFTER + config.POSTAL_SETTLE_TIME, world.clock);
  const times = { leaseMs: config.WORKER_LEASE, stallMs: config.WORKER_STALL_AFTER };
  const leases = openLeaseWatch(times, world.clock);
  leaseGauges(metrics, leases.figures);
  const health = await startHealth({ ...probes(config, world, { loops, due, leases }), metrics });
  const clients = openClients(config);
  const pulse = pulseOf(config, clients.beats, world.clock);
  loops.push(...startLoops(config, world, { figures, clients, pulse, due, leases }));
  const stop = async (): Promise<void> => {
    await stopLoops(loops, config, world);
    await Promise.all(Object.values(clients).map((client) => client[Symbol.asyncDispose]()));
    await pulse.stop();
    await health.stop();
  };
  let stopped: Promise<void> | undefined;
  return { addresses: health.addresses, stop: () => (stopped ??= stop()) };
}

function probes(
  config: WorkerConfig,
  { db }: WorkerWorld,
  { loops, due, leases }: Pick<Equipment, 'due' | 'leases'> & { readonly loops: readonly Loop[] },
): Omit<Health, 'metrics'> {
  const hung: Probe = async () => {
    const stalled = loops.filter((loop) => loop.sinceProgressMs() > config.WORKER_STALL_AFTER);
    if (stalled.length === 0) return { ok: true };
    return { ok: false, why: `no progress: ${stalled.map(({ name }) => name).join(', ')}` };
  };
  const postgres: Probe = async () => {
    await reachDatabase(db);
    return { ok: true };
  };
  return {
    service: 'worker',
    listen: config.WORKER_HEALTH_LISTEN,
    live: { loops: hung },
    ready: { postgres, queue: due.probe, leases: leases.probe },
  };
}

interface Clients {
  readonly postal: Http;
  /** Beside those that wait for an answer of Postal. */
  readonly beats: Http;
  readonly endpoints: Http;
}

function openClients(config: WorkerConfig): Clients {
  const atPostal = {
    connectTimeoutMs: config.POSTAL_CONNECT_TIMEOUT,
    mostAnswerBytes: config.POSTAL_MAX_ANSWER_BYTES,
    keepAlive: false,
  };
  return {
    postal: openHttp({ ...atPostal, connections: config.POSTAL_CONCURRENCY }),
    beats: openHttp({ ...atPostal, connections: 1 }),
    endpoints: openHttp({
      connections: config.WEBHOOK_ENDPOINT_CONCURRENCY,
      connectTimeoutMs: config.WEBHOOK_CONNECT_TIMEOUT,
      mostAnswerBytes: config.WEBHOOK_MAX_ANSWER_BYTES,
      keepAlive: true,
      mayConnect: publicOr(config.WEBHOOK_ALLOWED_ADDRESSES),
    }),
  };
}

/** Turns of an idle loop that are the shortest beat: below, a busy process looks like one that stood still. */
const turns = 5;

/** Postal's web server answers this from memory: it tells that the process runs, and costs nothing. */
function pulseOf(config: WorkerConfig, http: Http, clock: Clock): Pulse {
  const beat = async (): Promise<boolean> => {
    const { end } = await http.exchange({
      method: 'GET',
      url: `${config.POSTAL_URL}/.well-known/jwks.json`,
      headers: { host: config.POSTAL_HOSTNAME },
      withinMs: config.POSTAL_TIMEOUT,
    });
    return end === 'answered';
  };
  return openPulse(
    { beat, settleMs: config.POSTAL_SETTLE_TIME, leastMs: turns * config.WORKER_POLL_INTERVAL },
    clock,
  );
}

interface Equipment {
  readonly pulse: Pulse;
  readonly figures: Figures;
  readonly clients: Clients;
  readonly due: DueWatch;
  readonly leases: LeaseWatch;
}

function startLoops(
  config: WorkerConfig,
  world: WorkerWorld,
  { figures, clients, pulse, due, leases }: Equipment,
): readonly Loop[] {
  const room = { ...world, config };
  const pace = { idleMs: config.WORKER_POLL_INTERVAL, longestMs: config.WORKER_ERROR_WAIT_MAX };
  const start = (name: string, work: Work, idleMs = pace.idleMs): Loop =>
    startLoop(name, work, { ...pace, idleMs }, world);
  const address = postalAddress(config);
  const postal = postalClient(clients.postal, address);
  const lane = watchPostal(config, world, figures);
  const gates = gatesOf(config, world);
  const databaseClock = watchDatabaseClock(databaseWatch(config), world.clock);
  const { postalDatabase, lookUp } = world;
  const records = openRecords(room, config.WORKER_RECORD_INTERVAL);
  return [
    start(
      'deliver',
      deliveries({ ...room, postal, lane, lookUp, pulse, databaseClock, records, figures, due, leases }),
    ),
    start('digest', digestion({ ...room, figures })),
    start('bounces', bounceReading({ ...room, reader: postalReader(clients.postal, address) })),
    start('inbound', inboundDigestion({ ...room, figures })),
    start('webhooks', webhookSending({ ...room, http: clients.endpoints, gates, figures })),
    start('upkeep', upkeep({ ...room, figures, gates, lane, due }), config.WORKER_UPKEEP_INTERVAL),
    start('retention', retention(room), config.RETENTION_INTERVAL),
    ...(postalDatabase ? besidePostal({ ...room, postalDatabase, figures }, start) : []),
  ];
}

/** What takes Postal's own databases. */
function besidePostal(
  room: Parameters<typeof reconciliation>[0] & Parameters<typeof senderDomains>[0],
  start: (name: string, work: Work) => Loop,
): readonly Loop[] {
  return [start('reconcile', reconciliation(room)), start('sender-domains', senderDomains(room))];
}

/** The settle time is what a lease may lack. */
function databaseWatch({ POSTAL_TIMEOUT: timeoutMs, POSTAL_SETTLE_TIME: settleMs }: WorkerConfig) {
  return { mostMs: timeoutMs + settleMs, stepMs: settleMs / 4 };
}

function postalAddress(config: WorkerConfig) {
  return {
    url: config.POSTAL_URL,
    hostname: config.POSTAL_HOSTNAME,
    apiKey: () => requirePostalKey(config),
    timeoutMs: config.POSTAL_TIMEOUT,
  };
}

function gatesOf(config: WorkerConfig, { clock }: WorkerWorld) {
  const settings = {
    failures: config.WEBHOOK_BREAKER_FAILURES,
    openMs: config.WEBHOOK_BREAKER_OPEN,
    longestOpenMs: config.WEBHOOK_BREAKER_OPEN_MAX,
    probeMs: 2 * config.WEBHOOK_TIMEOUT,
  };
  return openGates(config.WEBHOOK_ENDPOINT_CONCURRENCY, settings, clock);
}

async function stopLoops(
  loops: readonly Loop[],
  config: WorkerConfig,
  { clock, log }: WorkerWorld,
): Promise<void> {
  const finished = new AbortController();
  const all = Promise.all(loops.map((loop) => loop.stop())).then(() => finished.abort());
  await Promise.race([all, clock.sleep(config.WORKER_SHUTDOWN_TIMEOUT, finished.signal)]);
  if (!finished.signal.aborted)
    log.error(
      'not all work ended within WORKER_SHUTDOWN_TIMEOUT; what is open is taken up again when its lease ends',
    );
}
