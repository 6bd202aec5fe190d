import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { onTestFinished } from 'vitest';

import { systemClock } from '../../../src/adapters/clock.ts';
import { ownDirectory } from '../../../src/adapters/directory-owner.ts';
import { type Disk, systemDisk } from '../../../src/adapters/disk.ts';
import { openHttp } from '../../../src/adapters/http.ts';
import { silentLog } from '../../../src/adapters/log.ts';
import { systemRandom } from '../../../src/adapters/random.ts';
import type { Listening } from '../../../src/services/running.ts';
import { startRelay } from '../../../src/services/relay/start.ts';
import { annPlain, relayConfig, writeCertificate } from './running-door.ts';
import { dial, type SmtpClient } from './smtp-client.ts';
import { startWholeApi } from './whole-api.ts';

/** An api that is gone with the test. */
export async function listenAsApi() {
  const api = await startWholeApi();
  onTestFinished(() => api[Symbol.asyncDispose]());
  return api;
}

/** A folder that outlives the relays of a test. */
export async function lastingFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'relay-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** A whole relay in this process, stopped with the test; `disk` is what its journal is on. */
export async function runRelay(variables: Readonly<Record<string, string>>, disk: Disk = systemDisk) {
  const folder = await lastingFolder();
  await writeCertificate(folder);
  const http = openHttp({
    connections: 4,
    connectTimeoutMs: 2_000,
    mostAnswerBytes: 65_536,
    keepAlive: true,
  });
  const config = relayConfig(folder, variables);
  const world = {
    clock: systemClock,
    random: systemRandom,
    log: silentLog,
    http,
    disk,
    own: ownDirectory,
  };
  onTestFinished(() => http[Symbol.asyncDispose]());
  const relay = await startRelay(config, world);
  onTestFinished(relay.stop);
  const address = (name: string) => relay.addresses[name] ?? { host: '', port: 0 };
  return { relay, folder, address };
}

/** A client that is logged in as ann. */
export async function logIn(address: Listening): Promise<SmtpClient> {
  const client = await dial(address);
  await client.reply();
  await client.ask('EHLO app.example.com');
  const reply = await client.ask(`AUTH PLAIN ${annPlain}`);
  if (!reply.startsWith('235 ')) throw new Error(`the login was not accepted: ${reply}`);
  return client;
}

/** Sends one message, dots stuffed already; gives the reply to its end. */
export async function submit(client: SmtpClient, message: string | Buffer): Promise<string> {
  await client.ask('MAIL FROM:<ann@example.com>');
  await client.ask('RCPT TO:<bob@example.org>');
  await client.ask('DATA');
  client.send(message);
  return client.ask('.');
}

/** A figure as the relay's metrics tell it; undefined where there is none. */
export async function figure(health: Listening, sample: string): Promise<number | undefined> {
  const text = await (await fetch(`http://127.0.0.1:${health.port}/metrics`)).text();
  const line = text.split('\n').find((one) => one.startsWith(`${sample} `));
  return line === undefined ? undefined : Number(line.slice(sample.length));
}

/** Whether the relay says it is ready. */
export async function isReady(health: Listening): Promise<boolean> {
  return (await fetch(`http://127.0.0.1:${health.port}/health/ready`)).ok;
}
