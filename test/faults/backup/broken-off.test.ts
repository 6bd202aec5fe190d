import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { type Archive, systemArchive } from '../../../src/adapters/archive.ts';
import { exec } from '../../../src/adapters/exec.ts';
import type { Joining } from '../../../src/adapters/joined-programs.ts';
import { carryOut } from '../../../src/operations/carry-out.ts';
import { planRun } from '../../../src/operations/backup/run.ts';
import { openWorkplace } from '../../../src/operations/backup/workplace.ts';
import { openRuntime } from '../../../src/runtime.ts';
import { haltDump } from './halted-dump.ts';
import { backupScene, type Scene } from './scene.ts';

let scene: Scene;
beforeEach(async () => {
  scene = await backupScene();
});
afterEach(() => scene[Symbol.asyncDispose]());

const listed = async () => (await scene.backup('list')).data.sets.map(({ id }: { id: string }) => id);
const drafts = () => readdirSync(scene.shelf).filter((name) => name.endsWith('.partial'));
const mailctl = (...words: readonly string[]) => scene.process(...words);

describe('a backup that breaks off', { timeout: 240_000 }, () => {
  it.each(['pg_dump', 'mariadb-dump'] as const)(
    'keeps nothing of a run that SIGTERM ends at %s, and the sets before it',
    async (client) => {
      await scene.backup('run');
      const before = await listed();
      const dump = haltDump(scene, client);
      const running = mailctl('backup', 'run');
      await dump.halted();
      running.child.kill('SIGTERM');
      const { exit, out } = await running.ended;
      expect({ exit, code: JSON.parse(out).error.code }).toEqual({ exit: 143, code: 'interrupted' });
      expect(drafts()).toEqual([]);
      expect(await listed()).toEqual(before);
    },
  );

  it('lists nothing after kill -9, and the next run names the dead one and takes over', async () => {
    const dump = haltDump(scene, 'mariadb-dump');
    const running = mailctl('backup', 'run');
    await dump.halted();
    running.child.kill('SIGKILL');
    await running.ended;
    dump.go();
    dump.mend();
    expect(drafts()).toHaveLength(1);
    expect(await listed()).toEqual([]);
    const next = mailctl('backup', 'run');
    const { exit, out } = await next.ended;
    const { warnings, data } = JSON.parse(out);
    expect({ exit, drafts: drafts() }).toEqual({ exit: 0, drafts: [] });
    expect(warnings[0]).toContain(`process ${running.child.pid} on`);
    expect(await listed()).toEqual([data.set.id]);
  });

  it('lets a second run find the first one by name, and change nothing', async () => {
    const dump = haltDump(scene, 'mariadb-dump');
    const running = mailctl('backup', 'run');
    await dump.halted();
    const second = await mailctl('backup', 'run').ended;
    expect(second.exit).toBe(11);
    expect(second.out).toContain(`process ${running.child.pid}`);
    dump.go();
    expect((await running.ended).exit).toBe(0);
  });

  it('fails cleanly when MariaDB goes away half-way', async () => {
    await scene.postal.run(
      `insert into \`${scene.postal.messages}\`.\`raw-2026-11-23\` (data) select repeat('x', 200000) from seq_1_to_60`,
    );
    const dump = haltDump(scene, 'mariadb-dump');
    const running = mailctl('backup', 'run');
    await dump.halted();
    const sessions = await scene.postal.run(
      `select id from information_schema.processlist where user like 'd\\_%' and user = ?`,
      [/^BACKUP_MARIADB_USER=(.*)$/m.exec(readFileSync(join(scene.dir, '.env'), 'utf8'))?.[1] ?? ''],
    );
    for (const { id } of sessions) await scene.postal.run(`kill connection ${id}`).catch(unlessGone);
    dump.go();
    const { exit, out } = await running.ended;
    expect({ exit, drafts: drafts() }).toEqual({ exit: 13, drafts: [] });
    expect(JSON.parse(out).error.message).toMatch(/mariadb-dump|MariaDB/);
    expect(await listed()).toEqual([]);
  });

  it.each([
    ['PostgreSQL is written', 'write', 'postgres.dump'],
    ['MariaDB is written', 'write', 'mariadb.sql'],
    ['the configuration is sealed', 'write', 'config.tar'],
    ['the keys are sealed', 'write', 'secrets.tar'],
  ] as const)('keeps nothing of a run that is stopped while %s', async (_, act, file) => {
    await scene.backup('run');
    const before = await listed();
    await expect(runStoppedAt(act, file)).rejects.toMatchObject({ code: 'interrupted' });
    expect(drafts()).toEqual([]);
    expect(await listed()).toEqual(before);
    expect((await scene.backup('run')).error).toBeUndefined();
  });

  it.each([
    ['its manifest is written', 'replace', 'manifest.json'],
    ['it gets its name', 'publish', '.partial'],
  ] as const)('keeps the whole of a set where the run is stopped when %s', async (_, act, file) => {
    await runStoppedAt(act, file);
    const [id] = await listed();
    expect((await scene.backup('verify', id)).error).toBeUndefined();
  });

  it('fails cleanly when the disk is full, and says so', async () => {
    await scene.backup('run');
    const before = await listed();
    const dump = haltDump(scene, 'pg_dump');
    const running = mailctl('backup', 'run');
    await dump.halted();
    const sealer = await childOf(running.child.pid, 'sealStdin');
    await exec(['prlimit', '--pid', String(sealer), '--fsize=2000'], { timeoutMs: 10_000 });
    dump.go();
    const { exit, out } = await running.ended;
    expect({ exit, error: JSON.parse(out).error }).toMatchObject({
      exit: 13,
      error: { field: 'BACKUP_DIR', message: expect.stringContaining('is full') },
    });
    expect(drafts()).toEqual([]);
    expect(await listed()).toEqual(before);
  });

  it('fails cleanly when what seals is killed', async () => {
    const dump = haltDump(scene, 'pg_dump');
    const running = mailctl('backup', 'run');
    await dump.halted();
    process.kill(await childOf(running.child.pid, 'sealStdin'), 'SIGKILL');
    dump.go();
    const { exit, out } = await running.ended;
    expect({ exit, drafts: drafts() }).toEqual({ exit: 13, drafts: [] });
    expect(JSON.parse(out).error.message).toContain('what seals was ended by SIGKILL');
    expect(await listed()).toEqual([]);
  });
});

/** The oldest child of a process with such a word in its command line. */
async function childOf(pid: number | undefined, word: string): Promise<number> {
  const { stdout } = await exec(['pgrep', '--oldest', '--parent', String(pid), '--full', word], {
    timeoutMs: 10_000,
  });
  return Number(stdout);
}

/** Runs a backup that is told to stop when the folder of sets sees such an act on such a file. */
async function runStoppedAt(act: 'write' | 'replace' | 'publish', file: string): Promise<void> {
  const stopping = new AbortController();
  const stopsAt =
    <A extends readonly [string, ...unknown[]], R>(name: typeof act, work: (...words: A) => R) =>
    (...words: A): R => {
      if (name === act && words[0].includes(file)) stopping.abort();
      return work(...words);
    };
  await using runtime = openRuntime({ dir: scene.dir, environment: process.env, uid: process.getuid?.() });
  const archive: Archive = {
    ...systemArchive,
    replace: stopsAt('replace', systemArchive.replace),
    publish: stopsAt('publish', systemArchive.publish),
  };
  const programs = await runtime.programs();
  const join = stopsAt('write', (_path, joining: Joining) => programs.join(joining));
  const world = {
    ...runtime,
    programs: async () => ({ ...programs, join: (joining: Joining) => join(joining.file.path, joining) }),
  };
  const how = { stop: stopping.signal, tell: () => undefined, warn: () => undefined };
  const place = { ...(await openWorkplace(world, how)), archive };
  const plan = await planRun(place, { only: undefined, acceptShrink: false, postpone: false });
  await carryOut(plan, world, { done: () => undefined, failed: () => undefined });
}

/** The first session that is killed may have taken another along. */
function unlessGone(error: unknown): void {
  if (!(error instanceof Error && error.message.includes('Unknown thread id'))) throw error;
}
