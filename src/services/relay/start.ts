import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';

import { OperatorError } from '../../domain/failure.ts';
import { type Probe, startHealth } from '../health.ts';
import { openMetrics } from '../metrics.ts';
import type { Running } from '../running.ts';
import { type Acceptance, acceptMessage } from './accept.ts';
import { openBacklogFigures } from './backlog-figures.ts';
import { openBody } from './body.ts';
import { type Budget, openBudget } from './budget.ts';
import { keepReloading } from './certificate-watch.ts';
import { type ServedCertificate, serveCertificate } from './certificate.ts';
import type { Credentials } from './credentials.ts';
import { type Door, type DoorWorld, openDoor } from './door.ts';
import { type Figures, openFigures } from './figures.ts';
import type { Guard } from './guard/guard.ts';
import { type Journal, openJournal } from './journal/journal.ts';
import { openMessageIds } from './message-ids.ts';
import { recallCredentials } from './recall-credentials.ts';
import { recallGuard } from './recall-guard.ts';
import { pieceBytes } from './octets.ts';
import { openPool } from './pool.ts';
import { openRecentMessages } from './recent-messages.ts';
import type { RelayConfig, RelayWorld } from './room.ts';
import { recallSenders } from './recall-senders.ts';
import type { SenderCheck } from './senders.ts';
import { type Shipper, startShipper } from './shipper/shipper.ts';

/** The relay as it runs. */
export interface RunningRelay extends Running {
  /** Reads the certificate files again; false when they cannot be used, and the old one is still served. */
  reload(): Promise<boolean>;
}

/** Opens the journal, then the listeners `submission`, `tls` and `private` as far as they are on, and `health`. */
export async function startRelay(config: RelayConfig, world: RelayWorld): Promise<RunningRelay> {
  const release: (() => Promise<unknown>)[] = [];
  const stop = once(async () => {
    for (const free of release.toReversed()) await free();
  });
  try {
    return await open(config, world, { release, stop });
  } catch (error) {
    await stop();
    throw error;
  }
}

interface Ending {
  /** What was opened, to be released in the reverse order. */
  readonly release: (() => Promise<unknown>)[];
  stop(): Promise<void>;
}

async function open(
  config: RelayConfig,
  world: RelayWorld,
  { release, stop }: Ending,
): Promise<RunningRelay> {
  const certificate = await openCertificate(config, world);
  const registry = openMetrics('relay');
  const budget = openBudget(config.RELAY_MEMORY_BUDGET);
  await makeSpillDir(config.RELAY_SPILL_DIR);
  const journal = await openJournal(config, world);
  release.push(journal.close);
  const shipper = startShipper(config, { ...world, journal });
  release.push(shipper.stop);
  openBacklogFigures(registry, journal, shipper, world.clock);
  const doors: Door[] = [];
  const figures = openFigures(registry, {
    openSessions: () => doors.reduce((sum, door) => sum + door.openSessions(), 0),
    memoryBytes: budget.used,
    certificate: () => certificate,
  });
  const health = await startHealth({
    service: 'relay',
    listen: config.RELAY_HEALTH_LISTEN,
    live: {},
    ready: probes(doors, journal, shipper),
    metrics: registry,
  });
  release.push(health.stop);
  if (certificate) release.push(keepReloading(certificate, config.RELAY_TLS_RELOAD_INTERVAL, world.clock));
  const credentials = await recallCredentials(config, world, release);
  const guard = await recallGuard(config, world, registry, release);
  const senders = await recallSenders(config, world, registry, release);
  const parts = { figures, certificate, budget, credentials, guard, senders, keep: journal.append };
  const door = await openDoor(config, behindTheDoor(config, world, parts));
  doors.push(door);
  release.push(door.close);
  const reload = () => certificate?.reload() ?? Promise.resolve(true);
  return { addresses: { ...health.addresses, ...door.addresses }, stop, reload };
}

/** Messages that are read back from the disk at the same time. */
const readBackAtOnce = 8;

interface Parts {
  readonly figures: Figures;
  readonly certificate: ServedCertificate | undefined;
  readonly budget: Budget;
  readonly credentials: Credentials;
  readonly guard: Guard;
  readonly senders: SenderCheck;
  readonly keep: Journal['append'];
}

function behindTheDoor(config: RelayConfig, world: RelayWorld, parts: Parts): DoorWorld {
  const { budget, keep, senders, ...rest } = parts;
  const { RELAY_SPILL_DIR: spillDir, RELAY_SPILL_BYTES: spillBytes } = config;
  const spillPath = () => join(spillDir, `${world.random.letters(20)}.spill`);
  const pool = openPool(readBackAtOnce, pieceBytes);
  const acceptance: Acceptance = {
    ...world,
    keep,
    refusalOfSenders: senders.refusalOf,
    newId: openMessageIds(world.random),
    recent: openRecentMessages(world.clock, {
      windowMs: config.DEDUPE_WINDOW,
      most: config.RELAY_DEDUPE_ENTRIES,
    }),
    hostname: config.RELAY_HOSTNAME,
    tracesClient: config.RELAY_TRACE_CLIENT,
    maxHeaderBytes: config.RELAY_MAX_HEADER_BYTES,
  };
  return {
    ...world,
    ...rest,
    openBody: () => openBody({ spillPath, spillBytes, budget, pool }),
    accept: (ask, received) => acceptMessage(acceptance, ask, received),
  };
}

/** A full journal turns clients away for a while; another relay may have room. */
function probes(doors: readonly Door[], journal: Journal, shipper: Shipper): Record<string, Probe> {
  return {
    listeners: async () =>
      okUnless(doors.some((door) => door.isOpen()) ? undefined : 'the listeners are not open'),
    journal: async () => okUnless(journal.fullness()),
    api: shipper.probe,
  };
}

function okUnless(why: string | undefined): Awaited<ReturnType<Probe>> {
  return why === undefined ? { ok: true } : { ok: false, why };
}

async function openCertificate(
  config: RelayConfig,
  { log }: RelayWorld,
): Promise<ServedCertificate | undefined> {
  const { RELAY_TLS_CERT_FILE: certFile, RELAY_TLS_KEY_FILE: keyFile } = config;
  return certFile !== undefined && keyFile !== undefined
    ? serveCertificate({ certFile, keyFile }, log)
    : undefined;
}

async function makeSpillDir(path: string): Promise<void> {
  await mkdir(path, { recursive: true, mode: 0o700 }).catch((cause: unknown) => {
    throw new OperatorError('config-invalid', `cannot make the folder ${path}`, {
      hint: 'Give the relay the right to it, or choose another one with RELAY_SPILL_DIR',
      field: 'RELAY_SPILL_DIR',
      cause,
    });
  });
}

function once(work: () => Promise<void>): () => Promise<void> {
  let done: Promise<void> | undefined;
  return () => (done ??= work());
}
