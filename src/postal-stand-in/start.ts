import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';

import type { Clock } from '../adapters/clock.ts';
import type { Running } from '../services/running.ts';
import { dkimRecord } from './dkim.ts';
import type { FaultOrder } from './faults.ts';
import { type MailboxEntry, mailboxList, messageRows, type RowEntry } from './mailbox-json.ts';
import { openOffice } from './open-office.ts';
import type { PostalOptions, PostalWorld } from './options.ts';
import { createWebServer } from './server.ts';

/** A Postal that runs in this process. */
export interface PostalStandIn extends Running {
  /** Where its web server is: `http://127.0.0.1:PORT`. */
  readonly url: string;
  readonly mailboxUrl: string;
  readonly serverToken: string;
  /** PEM of the key that webhooks are signed with, and its id. */
  readonly signingPublicKey: string;
  readonly kid: string;
  /** TXT records that publish the DKIM keys. */
  readonly dkimRecords: readonly { readonly name: string; readonly value: string }[];
  order(fault: FaultOrder): void;
  /** Messages that reached a mailbox, newest first. */
  mailbox(to?: string): MailboxEntry[];
  /** Every row Postal's database would hold, oldest first; given a `mail_from`, those that have exactly it. */
  rows(mailFrom?: string): RowEntry[];
  /** The message as it reached the mailbox, octet for octet. */
  delivered(id: number): Buffer | undefined;
  /** Resolves when no delivery and no webhook attempt is in work; what waits for a retry does not count. */
  idle(): Promise<void>;
  /** Forgets messages, faults, queues and history. Ids go on growing. */
  reset(): void;
}

const graceMs = 1000;

/** Starts a Postal that answers, delivers into memory and sends signed webhooks. The port may be 0. */
export async function startPostalStandIn(options: PostalOptions, world: PostalWorld): Promise<PostalStandIn> {
  const stop = new AbortController();
  const site = { url: '' };
  const { office, control, idle } = await openOffice(options, world, { site, stop: stop.signal });
  const server = createWebServer(office, control);
  const address = await listenOn(server, options.listen);
  site.url = urlOf(address);
  return {
    addresses: { web: { host: address.address, port: address.port } },
    url: site.url,
    mailboxUrl: `${site.url}/_stand-in/mailbox`,
    serverToken: office.settings.serverToken,
    signingPublicKey: office.signer.publicKeyPem,
    kid: office.signer.kid,
    dkimRecords: office.settings.domains.map((domain) => dkimRecord(office.dkim(domain))),
    order: (fault) => office.faults.order(fault),
    mailbox: (to) => mailboxList(office.messages.list(), query({ to })),
    rows: (mailFrom) => messageRows(office.messages.list(), query({ mail_from: mailFrom })),
    delivered: (id) => office.messages.byId(id)?.delivered?.data,
    idle,
    reset: control.reset,
    stop: async () => {
      stop.abort();
      await closeServer(server, world.clock);
      await idle();
    },
  };
}

function query(fields: Readonly<Record<string, string | undefined>>): URLSearchParams {
  const asked = new URLSearchParams();
  for (const [name, value] of Object.entries(fields)) if (value !== undefined) asked.set(name, value);
  return asked;
}

async function listenOn(server: Server, listen: PostalOptions['listen']): Promise<AddressInfo> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(listen.port, listen.host, resolve);
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new TypeError('the server has no port');
  return address;
}

function urlOf({ address, port }: AddressInfo): string {
  const host = { '0.0.0.0': '127.0.0.1', '::': '[::1]' }[address] ?? address;
  return `http://${host.includes(':') && !host.startsWith('[') ? `[${host}]` : host}:${port}`;
}

/** Answers that are on their way go out; a client that does not take or finish its own is left after the grace. */
async function closeServer(server: Server, clock: Clock): Promise<void> {
  if (!server.listening) return;
  const closed = new AbortController();
  const closing = new Promise<void>((resolve) => {
    server.close(() => resolve());
    server.closeIdleConnections();
  });
  void clock.sleep(graceMs, closed.signal).then(() => server.closeAllConnections());
  await closing;
  closed.abort();
}
