import { rmSync } from 'node:fs';

import { afterAll, beforeAll, expect, it } from 'vitest';

import { exec } from '../../src/adapters/exec.ts';
import { stopStartedEngine } from '../stack/harness/engine.ts';
import { type SpoiltStack, spoiltStack, stackFolder } from '../stack/harness/stack.ts';
import { median, report, toy } from './report.ts';

const longMs = 900_000;
const rounds = toy ? 1 : 2;
/** All services; the toy starts one. */
const names = toy ? ['redis'] : [];
/** Compose waits for the engine's own looks, which come in this interval: 10 s is the default of mailctl. */
const interval = process.env['BENCH_HEALTH_INTERVAL'] ?? '10s';
const aim = 1.2;

let stack: SpoiltStack | undefined;

beforeAll(async () => {
  stack = await spoiltStack();
  stack.spoil({ STACK_HEALTH_INTERVAL: interval });
}, longMs);
afterAll(async () => {
  await stack?.[Symbol.asyncDispose]();
  rmSync(stackFolder, { recursive: true, force: true });
  await stopStartedEngine();
}, longMs);

async function secondsOf(argv: readonly [string, ...string[]], folder: string): Promise<number> {
  const began = performance.now();
  const { exit, stderr } = await exec(argv, { timeoutMs: longMs, folder });
  if (exit !== 0) throw new Error(`${argv.join(' ')} ended with ${exit}: ${stderr}`);
  return (performance.now() - began) / 1000;
}

it('measures up beside a bare docker compose up of the same file', { timeout: longMs }, async () => {
  const { dir, mailctl } = stack as SpoiltStack;
  const program = new URL('../../bin/mailctl.js', import.meta.url).pathname;
  const only = toy ? ['--only'] : [];
  const up = [process.execPath, program, '-C', dir, 'up', ...names, ...only, '--yes', '--no-input'] as const;
  const first = await secondsOf(up, dir);
  const again = await secondsOf(up, dir);
  const runs = {
    'docker compose up --detach --wait': ['docker', 'compose', 'up', '--detach', '--wait', ...names],
    'mailctl up': [...up],
  };
  const times = Object.entries(runs).map(([name, argv]) => ({ name, argv, seconds: [] as number[] }));
  for (let round = 0; round < rounds; round += 1)
    for (const { argv, seconds } of times) {
      expect((await mailctl('down', '--yes', '--no-input')).exit).toBe(0);
      seconds.push(await secondsOf(argv as [string, ...string[]], dir));
    }
  const bare = median(times[0]?.seconds ?? []);
  const rows = times.map(({ name, seconds }) => ({
    run: `${name}, data kept`,
    median_s: Number(median(seconds).toFixed(1)),
    ratio: Number((median(seconds) / bare).toFixed(2)),
    aim: name === 'mailctl up' ? `≤ ${aim}` : '',
  }));
  report('up', [
    ...rows,
    { run: 'mailctl up from nothing, image built', median_s: Number(first.toFixed(1)), ratio: '', aim: '' },
    { run: 'mailctl up where all runs', median_s: Number(again.toFixed(1)), ratio: '', aim: '' },
  ]);
  expect(toy ? 0 : rows.at(-1)?.ratio).toBeLessThanOrEqual(aim);
});
