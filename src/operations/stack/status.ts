import { join } from 'node:path';

import { OperatorError } from '../../domain/failure.ts';
import type { Runtime } from '../../runtime.ts';
import { queueFigures } from '../../store/queue.ts';
import { sendingState } from '../../store/sending.ts';
import { webhookFigures } from '../../store/webhook-deliveries.ts';
import { type ShownRow, showTimetable } from '../schedule/show.ts';
import { isWell, lookAtContainers } from './current.ts';
import { memoryOf } from './await-health.ts';
import { allServices } from './services.ts';
import { type ShownService, showServices, urlsOf } from './show-services.ts';

/** One screen about the platform. */
export interface Status {
  readonly healthy: boolean;
  /** Why it is not healthy, and what could not be looked at. */
  readonly problems: readonly string[];
  readonly services: readonly ShownService[];
  readonly hops: readonly Hop[];
  readonly sending: { readonly paused: boolean; readonly reason: string | null } | null;
  readonly certificates: readonly unknown[];
  readonly backup: { readonly last: string | null; readonly proven: string | null };
  readonly keys: { readonly expiring: readonly unknown[] };
  readonly schedule: readonly ShownRow[];
  readonly urls: Readonly<Record<string, string>>;
}

/** What waits at a hop of a message's way, and since when the oldest of it. */
interface Hop {
  readonly hop: string;
  readonly depth: number;
  readonly oldest_seconds: number;
}

/** Looks at everything at once; what cannot be looked at becomes a problem, and the rest is still told. */
export async function showStatus(world: Runtime): Promise<Status> {
  const problems: string[] = [];
  const part = async <T>(work: () => Promise<T>, otherwise: T): Promise<T> =>
    work().catch((cause: unknown) => {
      if (!(cause instanceof OperatorError)) throw cause;
      problems.push(cause.message);
      return otherwise;
    });
  const config = await world.config('operator');
  const isStack = (await world.files.modeOf(join(world.dir, 'compose.yaml'))) !== undefined;
  const services = await part(() => lookAtServicesOf(world, isStack, problems), []);
  const store = await part(() => lookAtStore(world), { hops: [], sending: null });
  const schedule = await part(async () => (await showTimetable(world)).rows, []);
  return {
    healthy: problems.length === 0 && store.sending?.paused !== true,
    problems,
    services,
    ...store,
    certificates: await figuresOf(world, 'certificates'),
    backup: await lookAtBackup(world),
    keys: { expiring: await figuresOf(world, 'expiring-keys') },
    schedule,
    urls: urlsOf(config),
  };
}

async function lookAtServicesOf(
  world: Runtime,
  isStack: boolean,
  problems: string[],
): Promise<readonly ShownService[]> {
  if (!isStack) return [];
  const containers = await lookAtContainers(world);
  for (const { name, oneShot } of allServices) {
    const found = containers.get(name);
    if (!found) continue;
    if (found.oomKilled)
      problems.push(
        `${name} was killed because it wanted more than its memory limit: raise ${memoryOf(name)}`,
      );
    else if (oneShot ? found.exitCode !== 0 : !isWell(found))
      problems.push(
        `${name} is ${found.health === 'none' ? found.state : found.health}${found.healthOutput && `: ${found.healthOutput}`}`,
      );
  }
  if (containers.size === 0) problems.push('nothing runs; start it: mailctl up');
  return showServices(containers);
}

async function lookAtStore(world: Runtime): Promise<Pick<Status, 'hops' | 'sending'>> {
  const db = await world.postgres();
  const [queue, webhooks, sending] = await Promise.all([
    queueFigures(db),
    webhookFigures(db),
    sendingState(db),
  ]);
  return {
    hops: [
      { hop: 'queue', depth: queue.due, oldest_seconds: Math.round(queue.oldestSeconds) },
      { hop: 'webhooks', depth: webhooks.waiting, oldest_seconds: Math.round(webhooks.oldestSeconds) },
    ],
    sending: {
      paused: sending?.pausedAt != null,
      reason: sending?.pausedReason ?? sending?.blockedReason ?? null,
    },
  };
}

/** What runs of other commands wrote down last. */
async function readRun(world: Runtime, name: string): Promise<Readonly<Record<string, unknown>>> {
  const content = await world.files
    .readOwn(join(world.dir, `state/runs/${name}.json`))
    .catch(() => undefined);
  if (content === undefined) return {};
  try {
    return JSON.parse(content) as Readonly<Record<string, unknown>>;
  } catch {
    return {};
  }
}

async function figuresOf(world: Runtime, name: string): Promise<readonly unknown[]> {
  const { rows } = await readRun(world, name);
  return Array.isArray(rows) ? rows : [];
}

async function lookAtBackup(world: Runtime): Promise<Status['backup']> {
  const [last, proven] = await Promise.all(['backup', 'backup-verify'].map((name) => readRun(world, name)));
  return { last: timeOf(last), proven: timeOf(proven) };
}

function timeOf(run: Readonly<Record<string, unknown>> | undefined): string | null {
  const at = run?.['at'] ?? run?.['finished_at'];
  return typeof at === 'string' ? at : null;
}
