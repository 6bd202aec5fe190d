import { exec } from '../../../src/adapters/exec.ts';
import type { Load, Measured } from './load.ts';
import type { LoadClient } from './load-client.ts';
import { usageOf } from './process-tree.ts';
import type { MailServer } from './served-program.ts';

/** One kind of load, which every server gets. */
export type Case = Pick<Load, 'bytes' | 'connections' | 'perConnection' | 'manner'> & {
  readonly tls: boolean;
};

/** What one server did in one round of one case. */
export interface Result extends Measured {
  readonly server: string;
  readonly which: Case;
  /** Of the server and its children, for a thousand messages. */
  readonly serverCpuSeconds: number;
  readonly peakMegabytes: number;
}

/** How long and how often. */
export interface Plan {
  readonly cases: readonly Case[];
  readonly rounds: number;
  readonly forMs: number;
  /** How long each server is under load first: one that compiles as it runs is many times slower in its first second. */
  readonly warmMs: number;
}

/** The servers alternate within each case, so that whatever else the machine does falls on all alike; the first load warms each up. */
export async function measureAll(
  servers: readonly MailServer[],
  client: LoadClient,
  { cases, rounds, forMs, warmMs }: Plan,
): Promise<readonly Result[]> {
  const results: Result[] = [];
  const turns = cases.flatMap((which) => Array.from({ length: rounds }, () => which));
  for (const [round, which] of [...cases.slice(0, 1), ...turns].entries()) {
    for (const [place, server] of servers.entries()) {
      const how = { forMs: round === 0 ? warmMs : forMs, name: `r${round}-s${place}` };
      const result = await measure(server, which, client, how);
      if (round > 0) results.push(result);
    }
  }
  return results;
}

/** What others left to be written is written first: a server that syncs would otherwise wait for it. */
async function measure(
  server: MailServer,
  which: Case,
  client: LoadClient,
  how: Pick<Load, 'forMs' | 'name'>,
): Promise<Result> {
  const { ports, auth, pid } = server;
  const { tls, ...load } = which;
  await exec(['sync'], { timeoutMs: 60_000 });
  const before = await usageOf(pid);
  const target = { port: tls ? ports.tls : ports.plain, tls, auth };
  const measured = await client.run({ ...load, ...how, target });
  const after = await usageOf(pid);
  await server.settled?.();
  return {
    ...measured,
    server: server.name,
    which,
    serverCpuSeconds: ((after.cpuSeconds - before.cpuSeconds) / measured.accepted) * 1000,
    peakMegabytes: after.peakMegabytes,
  };
}
