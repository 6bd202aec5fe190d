import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { expect, it } from 'vitest';

import { startAbsentApi } from './relay/behind.ts';
import { isHarakaFetched, startHaraka } from './relay/haraka.ts';
import { startLoadClient } from './relay/load-client.ts';
import { type Case, measureAll, type Result } from './relay/measure.ts';
import { startOurNoOp, startOurRelay, startShippingRelay } from './relay/ours.ts';
import { isPostfixHere, startPostfix } from './relay/postfix.ts';
import type { MailServer } from './relay/served-program.ts';
import { aimsOf, ourRelay, shippingRelay, tableOf } from './relay/tables.ts';
import { report, type Row, toy } from './report.ts';

const timeout = 30 * 60_000;
const built = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
const resultsFile = (what: string) =>
  join(tmpdir(), `mailctl-bench-relay-${what.replaceAll(/\W+/g, '-')}.json`);

const usual: Case = {
  bytes: 5_000,
  connections: 20,
  perConnection: 'many',
  manner: 'lockstep',
  tls: false,
};
/** BENCH_CONNECTIONS=20,100 measures a part. */
const counts = (process.env.BENCH_CONNECTIONS ?? '20,1,100').split(',').map(Number);
/** Both kinds of client for each size; one message of a connection has hardly anything to pipeline, and is sent in lockstep alone. */
const plain = (bytes: number): readonly Case[] =>
  counts.flatMap((connections) => [
    { ...usual, bytes, connections },
    { ...usual, bytes, connections, manner: 'pipelined' as const },
    { ...usual, bytes, connections, perConnection: 'one' as const },
  ]);
const secured: readonly Case[] = [
  { ...usual, tls: true },
  { ...usual, tls: true, manner: 'pipelined' },
  { ...usual, tls: true, perConnection: 'one' },
  { ...usual, tls: true, connections: 100 },
  { ...usual, tls: true, bytes: 100_000 },
];
const sizes: Readonly<Record<string, readonly Case[]>> = toy
  ? {
      'small mail': [usual, { ...usual, manner: 'pipelined' }, { ...usual, perConnection: 'one', tls: true }],
    }
  : { 'small mail': plain(5_000), 'large mail, and TLS': [...plain(100_000), ...secured] };
const pace = toy ? { rounds: 1, forMs: 200, warmMs: 200 } : { rounds: 3, forMs: 800, warmMs: 4000 };

interface Peer {
  readonly name: string;
  start(): Promise<MailServer>;
  /** Whether it can be had without network: a small run fetches nothing. */
  isHere(): Promise<boolean>;
}

const peers: readonly Peer[] = [
  { name: 'Postfix, hold', start: () => startPostfix(), isHere: isPostfixHere },
  { name: 'Haraka, discard', start: () => startHaraka('discard'), isHere: isHarakaFetched },
  { name: 'Haraka, spool', start: () => startHaraka('spool'), isHere: isHarakaFetched },
];

/** Starts the peers that can be had; of the others it says why not. */
async function startPeers(): Promise<{ readonly servers: MailServer[]; readonly absent: Row[] }> {
  const servers: MailServer[] = [];
  const absent: Row[] = [];
  for (const { name, start, isHere } of peers) {
    try {
      if (toy && !(await isHere())) throw new Error('not on this machine, and a small run fetches nothing');
      servers.push(await start());
    } catch (why) {
      absent.push({ absent: name, why: String(why) });
    }
  }
  return { servers, absent };
}

it.each(Object.entries(sizes))(
  'the relay accepts %s durably, beside Postfix, Haraka and its own engine without a disk',
  { timeout },
  async (what, cases) => {
    expect(existsSync(built), 'build first: npm run build').toBe(true);
    await using absentApi = await startAbsentApi();
    await using client = await startLoadClient();
    await using relay = await startOurRelay(absentApi.url, ourRelay);
    await using shipping = await startShippingRelay(shippingRelay);
    await using noOp = await startOurNoOp();
    const { servers, absent } = await startPeers();
    const load = loadavg()[0] ?? 0;
    const all = [relay, shipping, noOp, ...servers];
    const results = await measureAll(all, client, { ...pace, cases }).finally(async () => {
      for (const server of servers) await server[Symbol.asyncDispose]();
    });

    const rows = tableOf(cases, results);
    report(`relay, ${what}`, rows);
    report('relay, aims', aimsOf(rows));
    if (absent.length > 0) report('relay, absent peers', absent);
    await writeFile(
      resultsFile(what),
      JSON.stringify({ node: process.version, load, rows, absent, results }),
    );
    console.log(`load of the machine at the start: ${load.toFixed(1)}; every round: ${resultsFile(what)}`);
    expect(refusalsOf(results)).toEqual([]);
    expect(await shipping.api.stored()).toBeGreaterThanOrEqual(sentTo(shippingRelay, results));
    expect(await relay.backlog()).toBeGreaterThanOrEqual(sentTo(ourRelay, results));
  },
);

function refusalsOf(results: readonly Result[]): readonly string[] {
  return results.flatMap(({ server, refused }) => refused.map((reply) => `${server}: ${reply}`));
}

function sentTo(name: string, results: readonly Result[]): number {
  return results.filter(({ server }) => server === name).reduce((sum, { accepted }) => sum + accepted, 0);
}
