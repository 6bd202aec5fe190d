import { createServer, type Server, type Socket } from 'node:net';

import type { Clock } from '../../adapters/clock.ts';
import type { Log } from '../../adapters/log.ts';
import type { Listen } from '../../config/shapes.ts';
import { OperatorError } from '../../domain/failure.ts';
import { type AddressPolicy, withinAny } from '../../domain/ip-address.ts';
import { type Listening, listeningAt } from '../running.ts';
import type { Answers } from './answers.ts';
import type { Body } from './body.ts';
import type { ServedCertificate } from './certificate.ts';
import { type Connection, openConnection } from './connection.ts';
import type { ConversationOptions } from './conversation.ts';
import type { Credentials } from './credentials.ts';
import type { Figures } from './figures.ts';
import type { Guard } from './guard/guard.ts';
import { type DoorConfig, patienceOf, policyOf } from './door-config.ts';
import type { Ask, Protection, StoreAnswer } from './session.ts';

/** The SMTP listeners. */
export interface Door {
  readonly addresses: Readonly<Record<string, Listening>>;
  openSessions(): number;
  /** False as soon as it begins to close. */
  isOpen(): boolean;
  /** Takes no new clients, sends the idle ones away, lets messages in flight finish, and ends the rest after a while. */
  close(): Promise<void>;
}

/** What stands behind the door. */
export interface DoorWorld {
  readonly clock: Clock;
  readonly log: Log;
  readonly figures: Figures;
  readonly credentials: Credentials;
  readonly guard: Guard;
  readonly certificate: ServedCertificate | undefined;
  openBody(): Body;
  /** Resolves `stored` only when the message is durable. */
  accept(
    ask: Extract<Ask, { ask: 'store' }>,
    received: { body: Body; address: string },
  ): Promise<StoreAnswer>;
}

interface State {
  readonly config: DoorConfig;
  readonly world: DoorWorld;
  readonly connections: Set<Connection>;
  readonly stopped: AbortController;
  readonly isProxy: AddressPolicy;
  isOpen: boolean;
}

interface Entrance {
  readonly name: string;
  readonly protection: Protection;
}

/** Opens the listeners that are on. Fails with `config-invalid` when none is, or when TLS is wanted without a certificate. */
export async function openDoor(config: DoorConfig, world: DoorWorld): Promise<Door> {
  const state: State = {
    config,
    world,
    connections: new Set(),
    stopped: new AbortController(),
    isProxy: withinAny(config.RELAY_PROXY_FROM),
    isOpen: true,
  };
  const entrances = wantedEntrances(config, world.certificate !== undefined);
  const servers: Record<string, Server> = {};
  try {
    for (const { name, variable, protection, listen } of entrances) {
      const server = createServer({ allowHalfOpen: true, noDelay: true });
      server.on('connection', (socket) => welcome(state, { name, protection }, socket));
      servers[name] = await listening(server, listen, variable);
      server.on('error', (error) => world.log.warn('a connection could not be accepted', { error }));
    }
  } catch (error) {
    for (const server of Object.values(servers)) server.close();
    throw error;
  }
  const swept = sweep(state);
  const addresses = Object.entries(servers).map(([name, server]) => [name, listeningAt(server.address())]);
  return {
    addresses: Object.fromEntries(addresses) as Record<string, Listening>,
    openSessions: () => state.connections.size,
    isOpen: () => state.isOpen,
    close: () => close(state, Object.values(servers), swept),
  };
}

async function listening(server: Server, { host, port }: Listen, variable: string): Promise<Server> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  }).catch((cause: unknown) => {
    throw new OperatorError('config-invalid', `the relay cannot listen on ${host}:${port}`, {
      hint: `Free that port, or choose another one with ${variable}`,
      field: variable,
      cause,
    });
  });
  return server;
}

function wantedEntrances(config: DoorConfig, hasCertificate: boolean) {
  const all = [
    {
      name: 'submission',
      variable: 'RELAY_SUBMISSION_LISTEN',
      protection: 'starttls',
      listen: config.RELAY_SUBMISSION_LISTEN,
    },
    { name: 'tls', variable: 'RELAY_TLS_LISTEN', protection: 'implicit', listen: config.RELAY_TLS_LISTEN },
    {
      name: 'private',
      variable: 'RELAY_PRIVATE_LISTEN',
      protection: 'private',
      listen: config.RELAY_PRIVATE_LISTEN,
    },
  ] as const;
  const wanted = all.flatMap(({ listen, ...rest }) => (listen ? [{ ...rest, listen }] : []));
  if (wanted.length === 0) throw noListener();
  if (!hasCertificate && wanted.some(({ protection }) => protection !== 'private')) throw noCertificate();
  return wanted;
}

function welcome(state: State, { name, protection }: Entrance, socket: Socket): void {
  const { config, world, connections } = state;
  const isFull = connections.size >= config.RELAY_MAX_CONNECTIONS;
  if (connections.size >= 2 * config.RELAY_MAX_CONNECTIONS) return void socket.destroy();
  const behindProxy = config.RELAY_PROXY_FROM.length > 0;
  if (behindProxy && !state.isProxy(socket.remoteAddress ?? '')) return void socket.destroy();
  world.figures.opened(name);
  const connection: Connection = openConnection({
    socket,
    implicitTls: protection === 'implicit',
    context: () => world.certificate?.context(),
    patience: patienceOf(config),
    openedAt: world.clock.monotonicMs(),
    closed: () => connections.delete(connection),
    behindProxy,
    conversation: (address) => ({
      ...conversationOf(state, address, isFull),
      policy: policyOf(config, protection),
    }),
  });
  connections.add(connection);
}

function conversationOf(
  state: State,
  address: string,
  isFull: boolean,
): Omit<ConversationOptions, 'peer' | 'policy'> {
  const { log, figures, openBody } = state.world;
  return {
    answers: answersFor(state, address, isFull),
    openBody,
    said: (said) => figures.said(said),
    failed: (error) => log.error('a session failed', { error, address }),
  };
}

function answersFor({ config, world }: State, address: string, isFull: boolean): Answers {
  const { clock, credentials, figures, guard, log } = world;
  const delay = config.RELAY_GREETING_DELAY;
  return {
    admit: () => {
      if (isFull) return 'full';
      const answer = guard.admit(address);
      return delay > 0 ? clock.sleep(delay).then(() => answer) : answer;
    },
    verify: async (login) => {
      const answer = await guard.verify(address, login, credentials.verify);
      figures.loggedIn(answer.outcome);
      if (answer.outcome !== 'accepted') log.warn('a login was not accepted', { address, ...answer });
      return answer;
    },
    permit: (credential) => guard.permit(address, credential, credentials.permit),
    store: (ask, body) => {
      figures.received(body.size());
      return world.accept(ask, { body, address });
    },
  };
}

async function sweep({ config, world, connections, stopped }: State): Promise<void> {
  while (!stopped.signal.aborted) {
    await world.clock.sleep(config.RELAY_SWEEP_INTERVAL, stopped.signal);
    const now = world.clock.monotonicMs();
    for (const connection of connections) connection.check(now);
  }
}

async function close(state: State, servers: readonly Server[], swept: Promise<void>): Promise<void> {
  const { config, world, connections, stopped } = state;
  state.isOpen = false;
  const closed = servers.map((server) => new Promise<void>((resolve) => server.close(() => resolve())));
  for (const connection of connections) connection.shutDown();
  const enough = new AbortController();
  await Promise.race([Promise.all(closed), world.clock.sleep(config.RELAY_SHUTDOWN_TIMEOUT, enough.signal)]);
  enough.abort();
  if (connections.size > 0) world.log.warn('sessions were cut off', { sessions: connections.size });
  for (const connection of connections) connection.destroy();
  await Promise.all(closed);
  stopped.abort();
  await swept;
}

function noListener(): OperatorError {
  return new OperatorError('config-invalid', 'every listener of the relay is off', {
    hint: 'Switch on RELAY_SUBMISSION_LISTEN, RELAY_TLS_LISTEN or RELAY_PRIVATE_LISTEN',
    field: 'RELAY_SUBMISSION_LISTEN',
  });
}

function noCertificate(): OperatorError {
  return new OperatorError('config-invalid', 'the relay has no certificate to offer TLS with', {
    hint: 'Set RELAY_TLS_CERT_FILE and RELAY_TLS_KEY_FILE, or switch RELAY_SUBMISSION_LISTEN and RELAY_TLS_LISTEN off',
    field: 'RELAY_TLS_CERT_FILE',
  });
}
