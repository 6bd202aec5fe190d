import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';

import { systemRandom } from '../../../src/adapters/random.ts';
import { type Body, openBody } from '../../../src/services/relay/body.ts';
import { openBudget } from '../../../src/services/relay/budget.ts';
import { wholeOf } from '../../../src/services/relay/octets.ts';
import { openPile } from '../../../src/services/relay/pile.ts';
import { openPool } from '../../../src/services/relay/pool.ts';

async function folder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'spill-'));
  onTestFinished(() => rm(path, { recursive: true, force: true }));
  return path;
}

function pathIn(dir: string): () => string {
  return () => join(dir, systemRandom.letters(20));
}

async function writeAll(body: Body, pieces: readonly Buffer[]): Promise<void> {
  for (const piece of pieces) {
    body.write(piece);
    await body.busy();
  }
}

describe('the octets of a message', () => {
  it('come back as they were written, from memory and from disk', async () => {
    const spillDir = await folder();
    const sizes = fc.array(fc.constantFrom(1, 3, 500, 1_023, 1_024, 5_000, 9_000), { maxLength: 20 });
    await fc.assert(
      fc.asyncProperty(sizes, fc.constantFrom(10, 4_000, 1_000_000), async (lengths, spillBytes) => {
        const budget = openBudget(1_000_000);
        const body = openBody({ spillPath: pathIn(spillDir), spillBytes, budget, pool: openPool(1, 1_500) });
        const pieces = lengths.map((length, n) => Buffer.alloc(length, n + 1));
        await writeAll(body, pieces);
        const whole = Buffer.concat(pieces);
        const from = Math.min(7, whole.length);

        expect(body.size()).toBe(whole.length);
        expect((await body.head(600)).equals(whole.subarray(0, 600))).toBe(true);
        const octets = body.assemble(Buffer.from('top'), from);
        const assembled = await wholeOf(octets);
        expect(octets).toHaveLength(assembled.length);
        expect(assembled.equals(Buffer.concat([Buffer.from('top'), whole.subarray(from)]))).toBe(true);
        body.close();
        expect(budget.used()).toBe(0);
      }),
      { numRuns: 60 },
    );
  });

  it('leave no file that has a name', async () => {
    const spillDir = await folder();
    const body = openBody({
      spillPath: pathIn(spillDir),
      spillBytes: 10,
      budget: openBudget(1_000),
      pool: openPool(1, 1_500),
    });
    await writeAll(body, [Buffer.alloc(100)]);

    expect(await readdir(spillDir)).toEqual([]);
    body.close();
  });

  it('move to disk when there is no room in memory, however small they are', async () => {
    const spillDir = await folder();
    const budget = openBudget(1_000);
    const body = openBody({
      spillPath: pathIn(spillDir),
      spillBytes: 1_000_000,
      budget,
      pool: openPool(1, 1_500),
    });
    budget.take(950);
    body.write(Buffer.alloc(100));
    expect(body.busy()).toBeInstanceOf(Promise);
    await body.busy();

    expect(budget.used()).toBe(950);
    body.close();
  });

  it('cost little more memory than they have, also when they drip', () => {
    const budget = openBudget(1_000_000);
    const body = openBody({ spillPath: pathIn(''), spillBytes: 1_000_000, budget, pool: openPool(1, 1_500) });
    for (let n = 0; n < 20_000; n += 1) body.write(Buffer.from('x'));

    expect(budget.used()).toBeLessThan(20_000 + 8_192 + 1);
    body.close();
  });

  it('are given up when the disk fails, and the memory is free again', async () => {
    const budget = openBudget(1_000);
    const body = openBody({
      spillPath: pathIn('/nowhere'),
      spillBytes: 10,
      budget,
      pool: openPool(1, 1_500),
    });
    await writeAll(body, [Buffer.alloc(100), Buffer.alloc(100)]);

    expect(body.isKept()).toBe(false);
    expect(budget.used()).toBe(0);
    body.close();
    expect(budget.used()).toBe(0);
  });

  it('free their memory when the client goes away in the middle of a write', async () => {
    const budget = openBudget(1_000);
    const body = openBody({
      spillPath: pathIn(await folder()),
      spillBytes: 10,
      budget,
      pool: openPool(1, 1_500),
    });
    body.write(Buffer.alloc(100));
    const busy = body.busy();
    body.close();
    await busy;

    expect(budget.used()).toBe(0);
  });
});

it('octets that drip are gathered, so that they cost no object each', () => {
  const pile = openPile(openBudget(1_000_000));
  for (let n = 0; n < 20_000; n += 1) pile.add(Buffer.from('x'));

  expect(pile.parts().length).toBeLessThan(5);
  expect(Buffer.concat(pile.parts()).toString()).toBe('x'.repeat(20_000));
});

it('messages on disk are read back a few at a time, in the order of asking, in the same memory', async () => {
  const pool = openPool(2, 100);
  const order: string[] = [];
  const borrow = (name: string) =>
    pool.borrow().then((buffer) => {
      order.push(name);
      return buffer;
    });
  const [a, b] = await Promise.all([borrow('a'), borrow('b')]);
  const waiting = [borrow('c'), borrow('d')];
  await Promise.resolve();
  expect(order).toEqual(['a', 'b']);
  pool.giveBack(b);
  expect(await waiting[0]).toBe(b);
  pool.giveBack(a);
  expect(await waiting[1]).toBe(a);

  expect(order).toEqual(['a', 'b', 'c', 'd']);
});

it('a message on disk waits for memory to be read back in, and gives it back when it is closed', async () => {
  const spillDir = await folder();
  const pool = openPool(1, 64);
  const open = () =>
    openBody({ spillPath: pathIn(spillDir), spillBytes: 10, budget: openBudget(1_000), pool });
  const [first, second] = [open(), open()];
  await writeAll(first, [Buffer.alloc(500, '1')]);
  await writeAll(second, [Buffer.alloc(500, '2')]);
  await first.head(10);
  let isRead = false;
  const waiting = Promise.resolve(second.head(10)).then((head) => {
    isRead = true;
    return head;
  });
  expect((await wholeOf(first.assemble(Buffer.alloc(0), 0))).toString()).toBe('1'.repeat(500));
  expect(isRead).toBe(false);
  first.close();

  expect((await waiting).toString()).toBe('2'.repeat(10));
  second.close();
});
