import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { expect, it } from 'vitest';

import { startWholeApi } from '../services/relay/whole-api.ts';
import { isHarakaFetched, startHaraka } from './relay/haraka.ts';
import { startLoadClient } from './relay/load-client.ts';
import { type Case, measureAll, type Result } from './relay/measure.ts';
import { startOurNoOp, startOurRelay } from './relay/ours.ts';
import { isPostfixHere, startPostfix } from './relay/postfix.ts';
import type { MailServer } from './relay/served-program.ts';
import { aimsOf, tableOf } from './relay/tables.ts';
import { report, type Row, toy } from './report.ts';

const timeout = 30 * 60_000;
const built = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
const resultsFile = join(tmpdir(), 'mailctl-bench-relay.json');

const usual: Case = { bytes: 5_000, connections: 20, perConnection: 'many', tls: false };
const plain = [5_000, 100_000].flatMap((bytes) =>
  [20, 1, 100].flatMap((connections) =>
    (['many', 'one'] as const).map((perConnection) => ({ bytes, connections, perConnection, tls: false })),
  ),
);
const secured: readonly Case[] = [
  { ...usual, tls: true },
  { ...usual, tls: true, perConnection: 'one' },
  { ...usual, tls: true, connections: 100 },
  { ...usual, tls: true, bytes: 100_000 },
];
const plan = toy
  ? {
      cases: [usual, { ...usual, perConnection: 'one' as const, tls: true }],
      rounds: 1,
      forMs: 200,
      warmMs: 200,
    }
  : { cases: [...plain, ...secured], rounds: 3, forMs: 1000, warmMs: 5000 };

interface Peer {
  readonly name: string;
  start(): Promise<MailServer>;
  /** Whether it can be had without network: a small run fetches nothing. */
  isHere(): Promise<boolean>;
}

const peers: readonly Peer[] = [
  { name: 'Postfix, hold', start: startPostfix, isHere: isPostfixHere },
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

it(
  'the relay accepts durably, beside Postfix, Haraka and its own engine without a disk',
  { timeout },
  async () => {
    expect(existsSync(built), 'build first: npm run build').toBe(true);
    await using api = await startWholeApi();
    await using client = await startLoadClient();
    await using relay = await startOurRelay(api.url);
    await using noOp = await startOurNoOp();
    const { servers, absent } = await startPeers();
    const load = loadavg()[0] ?? 0;
    const results = await measureAll([relay, noOp, ...servers], client, plan).finally(async () => {
      for (const server of servers) await server[Symbol.asyncDispose]();
    });

    const rows = tableOf(plan.cases, results);
    report('relay', rows);
    report('relay, aims', aimsOf(rows));
    if (absent.length > 0) report('relay, absent peers', absent);
    await writeFile(resultsFile, JSON.stringify({ node: process.version, load, rows, absent, results }));
    console.log(`load of the machine at the start: ${load.toFixed(1)}; every round: ${resultsFile}`);
    expect(refusalsOf(results)).toEqual([]);
    const acknowledged = sentTo('our relay', results);
    await expect.poll(() => api.stored.size, { timeout: 60_000 }).toBeGreaterThanOrEqual(acknowledged);
  },
);

function refusalsOf(results: readonly Result[]): readonly string[] {
  return results.flatMap(({ server, refused }) => refused.map((reply) => `${server}: ${reply}`));
}

function sentTo(name: string, results: readonly Result[]): number {
  return results.filter(({ server }) => server === name).reduce((sum, { accepted }) => sum + accepted, 0);
}
