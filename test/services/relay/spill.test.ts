import { closeSync, existsSync, readdirSync, readlinkSync, rmSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { expect, it, onTestFinished } from 'vitest';

import { openBody } from '../../../src/services/relay/body.ts';
import { openBudget } from '../../../src/services/relay/budget.ts';
import { openPool } from '../../../src/services/relay/pool.ts';
import { openSpill } from '../../../src/services/relay/spill.ts';

async function folder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'spill-'));
  onTestFinished(() => rm(path, { recursive: true, force: true }));
  return path;
}

/** Files without a name that this process has open in a folder. */
function openIn(dir: string): readonly number[] {
  const linkOf = (fd: string) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`);
    } catch {
      return '';
    }
  };
  return readdirSync('/proc/self/fd')
    .filter((fd) => linkOf(fd).startsWith(`${dir}/`))
    .map(Number);
}

/** Has the next close of the one file in a folder fail. */
function breakClose(dir: string): void {
  const [fd, ...more] = openIn(dir);
  if (fd === undefined || more.length > 0) throw new Error('there is not one file open');
  closeSync(fd);
}

it('a spill file whose close fails ends nobody', async () => {
  const dir = await folder();
  const spill = await openSpill(join(dir, 'one'));
  breakClose(dir);

  await expect(spill.close()).resolves.toBeUndefined();
});

it('a spill file whose name somebody else takes away first is closed again, and no message goes into it', async () => {
  const dir = await folder();
  const path = join(dir, 'gone');
  const opened = openSpill(path);
  const deadline = performance.now() + 10_000;
  // Nothing of this thread runs in between: the file is there and its name is not yet removed.
  while (!existsSync(path) && performance.now() < deadline);
  rmSync(path);

  await expect(opened).rejects.toMatchObject({ code: 'ENOENT' });
  expect(openIn(dir)).toEqual([]);
});

it('a body whose file cannot be closed gives its memory back, and no error is left to nobody', async () => {
  const dir = await folder();
  const unhandled: unknown[] = [];
  const note = (why: unknown) => void unhandled.push(why);
  process.on('unhandledRejection', note);
  onTestFinished(() => void process.off('unhandledRejection', note));
  const budget = openBudget(1_000_000);
  const body = openBody({
    spillPath: () => join(dir, 'two'),
    spillBytes: 1,
    budget,
    pool: openPool(1, 1_000),
  });
  body.write(Buffer.from('Hello'));
  await body.busy();
  breakClose(dir);
  body.close();
  const other = await openSpill(join(dir, 'three'));
  await other.close();

  expect(budget.used()).toBe(0);
  expect(unhandled).toEqual([]);
});
