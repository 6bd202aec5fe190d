import { expect, it } from 'vitest';

import { systemClock } from '../../src/adapters/clock.ts';
import { freePort } from '../../src/adapters/free-port.ts';
import { type ManagedPostgres, startManagedPostgres } from '../../src/adapters/managed-postgres.ts';
import { openPostgres, type Postgres } from '../../src/adapters/postgres.ts';
import { systemRandom } from '../../src/adapters/random.ts';
import { hashPassword } from '../../src/domain/password.ts';
import { Secret } from '../../src/domain/secret.ts';
import { insertSmtpCredential } from '../../src/store/smtp-credentials.ts';
import { testLimits } from '../engines/postgres-address.ts';
import { type Program, startProgram } from '../programs/program.ts';
import { temporaryDirectory } from '../services/relay/journal/fixture.ts';
import { ann, annPlain, relayEnvironment } from '../services/relay/running-door.ts';
import { dial, type SmtpClient } from '../services/relay/smtp-client.ts';

/** `MAILCTL_CHAOS_MESSAGES=20000` makes it long. */
const wanted = Number(process.env['MAILCTL_CHAOS_MESSAGES'] ?? 2_000);
const leastKills = 9;
const lanes = 20;
const mostMs = 100_000 + wanted * 15;

type Room = 'relay' | 'api';

/** Relay and api as processes, on ports that outlive them. */
interface Rooms extends AsyncDisposable {
  readonly relayPort: number;
  /** Kills with SIGKILL and starts again after `away`. */
  kill(room: Room, away: () => Promise<void>): Promise<void>;
}

async function startRooms(folder: string, postgres: ManagedPostgres): Promise<Rooms> {
  const [relayPort, apiPort] = [await freePort(), await freePort()];
  const { address } = postgres;
  const environment = {
    ...relayEnvironment(folder),
    RELAY_SUBMISSION_LISTEN: 'off',
    RELAY_TLS_LISTEN: 'off',
    RELAY_TLS_CERT_FILE: '',
    RELAY_TLS_KEY_FILE: '',
    RELAY_PRIVATE_LISTEN: `127.0.0.1:${relayPort}`,
    RELAY_SHIP_OPEN_MAX: '1s',
    API_LISTEN: '127.0.0.1:0',
    API_HEALTH_LISTEN: '127.0.0.1:0',
    API_INTERNAL_LISTEN: `127.0.0.1:${apiPort}`,
    API_INTERNAL_URL: `http://127.0.0.1:${apiPort}`,
    POSTAL_HOSTNAME: 'postal.example.com',
    POSTAL_WEBHOOK_TOKEN: systemRandom.letters(40),
    WEBHOOK_SEALING_KEY: systemRandom.letters(40),
    UNSUBSCRIBE_KEY: systemRandom.letters(40),
    POSTGRES_HOST: address.host,
    POSTGRES_PORT: String(address.port),
    POSTGRES_DATABASE: address.database,
    POSTGRES_USER: address.user,
    POSTGRES_PASSWORD: address.password.reveal(),
  };
  const start = (room: Room): Promise<Program> => startProgram(`${room}.ts`, { environment });
  const running: Record<Room, Program> = { api: await start('api'), relay: await start('relay') };
  return {
    relayPort,
    kill: async (room, away) => {
      running[room].kill('SIGKILL');
      await running[room].ended;
      await away();
      running[room] = await start(room);
    },
    [Symbol.asyncDispose]: async () => {
      await running.relay[Symbol.asyncDispose]();
      await running.api[Symbol.asyncDispose]();
    },
  };
}

/** Kills one of PostgreSQL's processes with SIGKILL, upon which it ends all others and recovers from its log. */
async function crashPostgres(db: Postgres): Promise<void> {
  const [victim] = await db.query<{ pid: number }>(
    `select pid from pg_stat_activity where pid <> pg_backend_pid()
     order by application_name = 'mailctl api' desc, backend_type = 'checkpointer' desc limit 1`,
  );
  if (victim) process.kill(victim.pid, 'SIGKILL');
}

interface Sending {
  readonly port: number;
  next: number;
  /** Times that a message had to be sent again because no 250 was seen. */
  again: number;
  readonly deadline: number;
}

/** Waits until so many more messages were begun, or all are. */
async function awaitMore(sending: Sending, messages: number): Promise<void> {
  const enough = Math.min(wanted, sending.next + messages);
  while (sending.next < enough && performance.now() < sending.deadline) await systemClock.sleep(5);
}

/** Kills now this, now that, while the clients send. */
async function killAtRandom(rooms: Rooms, db: Postgres, sending: Sending) {
  const acts = {
    relay: () => rooms.kill('relay', async () => undefined),
    api: () => rooms.kill('api', () => awaitMore(sending, Math.random() * 0.05 * wanted)),
    // It may be away from the last time still.
    postgres: () => crashPostgres(db).catch(() => undefined),
  };
  const kills = { relay: 0, api: 0, postgres: 0 };
  const names = ['relay', 'api', 'postgres'] as const;
  for (let turn = 0; turn < leastKills || sending.next < wanted; turn += 1) {
    const name = names[turn % names.length] ?? 'relay';
    await awaitMore(sending, Math.random() * 0.1 * wanted);
    await acts[name]();
    kills[name] += 1;
  }
  return kills;
}

/** One client: takes the next number and sends it until it has seen a 250, the same octets each time. */
async function sendInLane(sending: Sending): Promise<void> {
  let client: SmtpClient | undefined;
  while (sending.next < wanted) {
    const number = sending.next;
    sending.next += 1;
    client = await sendUntilTaken(sending, number, client);
  }
  client?.socket.destroy();
}

/** Gives the client that it worked with in the end. */
async function sendUntilTaken(
  sending: Sending,
  number: number,
  first: SmtpClient | undefined,
): Promise<SmtpClient> {
  let client = first;
  while (performance.now() < sending.deadline) {
    client ??= await connect(sending.port);
    if (client && (await isTaken(client, number))) return client;
    if (client) sending.again += 1;
    client?.socket.destroy();
    client = undefined;
    await systemClock.sleep(20);
  }
  throw new Error(`message ${number} found no way in`);
}

async function connect(port: number): Promise<SmtpClient | undefined> {
  const client = await dial({ host: '127.0.0.1', port });
  try {
    await client.reply();
    await client.ask('EHLO app.example.com');
    if ((await client.ask(`AUTH PLAIN ${annPlain}`)).startsWith('235')) return client;
  } catch {
    // The relay is away.
  }
  client.socket.destroy();
  return undefined;
}

async function isTaken(client: SmtpClient, number: number): Promise<boolean> {
  try {
    for (const line of ['MAIL FROM:<ann@example.com>', 'RCPT TO:<bob@example.org>', 'DATA'])
      await client.ask(line);
    const reply = await client.ask(
      `From: ann@example.com\r\nMessage-ID: <${number}@chaos.test>\r\n\r\nHello\r\n.`,
    );
    return reply.startsWith('250');
  } catch {
    return false;
  }
}

it(`sends ${wanted} messages while everything is killed at random: none is lost, none doubled`, async () => {
  await using folder = await temporaryDirectory();
  const postgres = await startManagedPostgres(
    {
      durable: false,
      loopback: true,
      startTimeoutMs: 60_000,
      // What it acknowledged has to outlive its own end by force, which losing the last commits would not.
      settings: { synchronous_commit: 'on' },
    },
    { random: systemRandom },
  );
  try {
    await using db = openPostgres({ ...postgres.address, ...testLimits });
    await using rooms = await startRooms(folder.path, postgres);
    const passwordHash = await hashPassword(new Secret(ann.password), systemRandom.bytes(16));
    await insertSmtpCredential(db, {
      id: 'usr_ann',
      username: ann.username,
      passwordHash,
      senderDomains: [],
    });
    const sending: Sending = {
      port: rooms.relayPort,
      next: 0,
      again: 0,
      deadline: performance.now() + mostMs,
    };
    const clients = Array.from({ length: lanes }, () => sendInLane(sending));
    const [kills] = await Promise.all([killAtRandom(rooms, db, sending), ...clients]);

    const count = () => db.query<Record<string, number>>(counting).catch(() => []);
    const stored = async () => (await count())[0]?.['different'];
    await expect.poll(stored, { timeout: 120_000, interval: 200 }).toBe(wanted);
    const [counts] = await count();
    console.table({ sent: wanted, 'sent again': sending.again, ...counts, ...kills });
    expect(counts).toMatchObject({ different: wanted, stored: wanted });
  } finally {
    await postgres.stop();
  }
});

const counting = `
select count(*)::integer as stored, count(distinct header_message_id)::integer as different,
  (select count(*)::integer from message_aliases) as aliases
from messages`;
