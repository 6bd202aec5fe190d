import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { makeSelfSignedCertificate } from '../../../src/adapters/certificate.ts';
import { systemClock } from '../../../src/adapters/clock.ts';
import { silentLog } from '../../../src/adapters/log.ts';
import { systemRandom } from '../../../src/adapters/random.ts';
import { loadConfig } from '../../../src/config/load.ts';
import { Secret } from '../../../src/domain/secret.ts';
import type { Submission } from '../../../src/domain/submission.ts';
import { acceptMessage, type Kept } from '../../../src/services/relay/accept.ts';
import type { Accepted } from '../../../src/services/relay/journal/journal.ts';
import { openBody } from '../../../src/services/relay/body.ts';
import { openRecentMessages } from '../../../src/services/relay/recent-messages.ts';
import { pieceBytes, wholeOf } from '../../../src/services/relay/octets.ts';
import { openPool } from '../../../src/services/relay/pool.ts';
import { openBudget } from '../../../src/services/relay/budget.ts';
import { type ServedCertificate, serveCertificate } from '../../../src/services/relay/certificate.ts';
import { type CheckLogin, openCredentials } from '../../../src/services/relay/credentials.ts';
import { type Door, openDoor } from '../../../src/services/relay/door.ts';
import { openFigures } from '../../../src/services/relay/figures.ts';
import { startGuard } from '../../../src/services/relay/guard/start-guard.ts';
import { openMessageIds } from '../../../src/services/relay/message-ids.ts';
import { openRememberedLogins } from '../../../src/services/relay/remembered-logins.ts';
import { openMetrics, type Registry } from '../../../src/services/metrics.ts';

export const ann = { username: 'ann', password: 'the right password' };
export const annPlain = Buffer.from(`\0${ann.username}\0${ann.password}`).toString('base64');

/** Real listeners on loopback; what is kept is kept in memory. */
export interface RunningDoor extends AsyncDisposable {
  readonly door: Door;
  readonly folder: string;
  readonly certificate: ServedCertificate;
  readonly kept: Submission[];
  readonly budget: ReturnType<typeof openBudget>;
  readonly registry: Registry;
  /** What the journal answers from now on. */
  keep: (submission: Submission) => Promise<Kept>;
  check: CheckLogin;
}

/** The variables of a relay for tests: loopback, port 0, quick to look for the slow. */
export function relayEnvironment(folder: string): Readonly<Record<string, string>> {
  return {
    RELAY_HOSTNAME: 'relay.example.com',
    MAIL_DOMAIN: 'example.com',
    API_INTERNAL_TOKEN: 'kZ3vQ8xN5mW2tR7yB4cF9hJ6sL1pD0gAeUiOqKwXzTn',
    RELAY_SUBMISSION_LISTEN: '127.0.0.1:0',
    RELAY_TLS_LISTEN: '127.0.0.1:0',
    RELAY_PRIVATE_LISTEN: '127.0.0.1:0',
    RELAY_HEALTH_LISTEN: '127.0.0.1:0',
    RELAY_TLS_CERT_FILE: join(folder, 'cert.pem'),
    RELAY_TLS_KEY_FILE: join(folder, 'key.pem'),
    RELAY_SPILL_DIR: folder,
    RELAY_JOURNAL_DIR: join(folder, 'journal'),
    RELAY_JOURNAL_MIN_FREE: '1MB',
    RELAY_SWEEP_INTERVAL: '10ms',
    RELAY_LINGER_TIMEOUT: '500ms',
    RELAY_SHUTDOWN_TIMEOUT: '5s',
    LOCKOUT_TARPIT: '0s',
  };
}

/** What a relay reads, parsed. */
export function relayConfig(folder: string, variables: Readonly<Record<string, string>> = {}) {
  const environment = { ...relayEnvironment(folder), ...variables };
  return loadConfig('relay', { environment, file: undefined, readFile: () => '' });
}

const makeCertificate = () => makeSelfSignedCertificate(['relay.example.com'], new Date(), 30);
let first: ReturnType<typeof makeCertificate> | undefined;

/** Writes a self-signed certificate where the relay looks for it: the same for all tests, or a new one. */
export async function writeCertificate(folder: string, which: 'same' | 'new' = 'same'): Promise<void> {
  const made = await (which === 'new' ? makeCertificate() : (first ??= makeCertificate()));
  await writeFile(join(folder, 'cert.pem'), made.certificatePem);
  await writeFile(join(folder, 'key.pem'), made.keyPem.reveal());
}

export async function runDoor(variables: Readonly<Record<string, string>> = {}): Promise<RunningDoor> {
  const folder = await mkdtemp(join(tmpdir(), 'relay-'));
  await writeCertificate(folder);
  const config = relayConfig(folder, variables);
  const registry = openMetrics('relay');
  const budget = openBudget(config.RELAY_MEMORY_BUDGET);
  const certificate = await serveCertificate(
    { certFile: join(folder, 'cert.pem'), keyFile: join(folder, 'key.pem') },
    silentLog,
  );
  const kept: Submission[] = [];
  const world = { clock: systemClock, random: systemRandom, log: silentLog };
  const running: Pick<RunningDoor, 'keep' | 'check'> = {
    keep: async (submission) => {
      kept.push(submission);
      return { kind: 'stored' };
    },
    check: async ({ username, password }) =>
      username === ann.username && password.reveal() === ann.password
        ? { outcome: 'accepted', credential: { id: 'usr_ann', username, senderDomains: ['example.com'] } }
        : { outcome: 'refused' },
  };
  const pool = openPool(2, pieceBytes);
  const acceptance = {
    ...world,
    recent: openRecentMessages(systemClock, { windowMs: 60_000, most: 100 }),
    newId: openMessageIds(systemRandom),
    hostname: config.RELAY_HOSTNAME,
    tracesClient: config.RELAY_TRACE_CLIENT,
    refusalOfSenders: () => undefined,
    maxHeaderBytes: config.RELAY_MAX_HEADER_BYTES,
    keep: async (accepted: Accepted) => opened.keep({ ...accepted, raw: await wholeOf(accepted.raw) }),
  };
  const door = await openDoor(config, {
    ...world,
    certificate,
    figures: openFigures(registry, {
      openSessions: () => 0,
      memoryBytes: budget.used,
      certificate: () => certificate,
    }),
    credentials: openCredentials({
      ...world,
      remembered: openRememberedLogins({ ...world, secret: new Secret('secret'), maxUsers: 10 }, undefined),
      check: (login) => opened.check(login),
      ttlMs: config.SMTP_AUTH_CACHE_TTL,
      staleMs: config.SMTP_AUTH_STALE_TTL,
      retryMs: config.SMTP_AUTH_RETRY_DELAY,
      changed: () => undefined,
    }),
    guard: startGuard(config, { ...world, redis: undefined }, registry, {
      text: undefined,
      save: () => undefined,
    }),
    openBody: () =>
      openBody({
        spillPath: () => join(folder, systemRandom.letters(20)),
        spillBytes: config.RELAY_SPILL_BYTES,
        budget,
        pool,
      }),
    accept: (ask, received) => acceptMessage(acceptance, ask, received),
  });
  const opened: RunningDoor = {
    ...running,
    door,
    folder,
    certificate,
    kept,
    budget,
    registry,
    [Symbol.asyncDispose]: async () => {
      await door.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
  return opened;
}
