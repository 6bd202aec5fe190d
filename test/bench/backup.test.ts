import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { createConnection } from 'mysql2/promise';
import { expect, it } from 'vitest';

import { exec } from '../../src/adapters/exec.ts';
import type { Part, Store } from '../../src/domain/backup-set.ts';
import { dumpMariadb } from '../../src/operations/backup/dump-mariadb.ts';
import { dumpPostgres } from '../../src/operations/backup/dump-postgres.ts';
import { encryptionOf } from '../../src/operations/backup/recipients.ts';
import { openWorkplace } from '../../src/operations/backup/workplace.ts';
import { openRuntime } from '../../src/runtime.ts';
import { mariadbAddress } from '../engines/mariadb.ts';
import { awkward, backupScene, manifestOf, type Scene } from '../faults/backup/scene.ts';
import { median, report, toy } from './report.ts';

const megabyte = 1024 * 1024;
const each = toy ? 4 : Number(process.env.BENCH_MEGABYTES ?? 1024);
const largest = toy ? 5 : 50;
const rounds = toy ? 1 : Number(process.env.BENCH_ROUNDS ?? 3);

/** Mail as it is stored: mostly base64, some markup that repeats. */
function mail(bytes: number): Buffer {
  const text = Buffer.from(randomBytes(Math.ceil(bytes * 0.525)).toString('base64'));
  return Buffer.concat([
    text,
    Buffer.alloc(Math.max(0, bytes - text.length), '<td class="cell">Hello</td>\r\n'),
  ]);
}

async function fill(scene: Scene, sizes: readonly number[]): Promise<void> {
  const { socketPath, user, password } = await mariadbAddress();
  await scene.postal.run(`set global max_allowed_packet = ${1024 * megabyte}`);
  const root = await createConnection({ socketPath, user, password });
  for (const [index, bytes] of sizes.entries()) {
    const raw = mail(bytes);
    await scene.database.db.query('insert into bodies (message_id, day, raw) values ($1, current_date, $2)', [
      `b${index}`,
      raw,
    ]);
    await root.execute(`insert into \`${scene.postal.messages}\`.\`raw-2026-11-23\` (data) values (?)`, [
      raw,
    ]);
  }
  root.destroy();
}

const seconds = (since: number) => (performance.now() - since) / 1000;

/** The dump as a shell makes it, with the same compression, on the medium when it is done. */
async function bareSeconds(scene: Scene, store: Store): Promise<number> {
  const { host, port, user, database } = scene.database.address;
  const { names, messages } = scene.postal;
  const login = /^BACKUP_MARIADB_USER=(.*)$/m.exec(readFileSync(join(scene.dir, '.env'), 'utf8'))?.[1];
  const flags =
    '--single-transaction --quick --hex-blob --max-allowed-packet=1G --routines --triggers --events';
  const command =
    store === 'postgres'
      ? `pg_dump -Fc --compress=0 -h ${host} -p ${port} -U ${user} ${database}`
      : `${join(scene.tools, 'mariadb-dump')} ${flags} --socket=${(await mariadbAddress()).socketPath} -u ${login} --databases ${names.main} ${messages}`;
  const start = performance.now();
  const { exit, stderr } = await exec(
    ['bash', '-o', 'pipefail', '-c', `${command} | zstd -q -c -3 >$OUT && sync $OUT`],
    {
      timeoutMs: 600_000,
      environment: {
        OUT: join(scene.tools, 'bare.zst'),
        PGPASSWORD: scene.database.address.password.reveal(),
        MYSQL_PWD: awkward,
      },
    },
  );
  expect({ exit, stderr }).toMatchObject({ exit: 0 });
  return seconds(start);
}

/** Our dump of one store, sealed to two keys and on the medium. */
async function ourSeconds(scene: Scene, store: Store, turn: number): Promise<number> {
  await using runtime = openRuntime({ dir: scene.dir, environment: process.env, uid: process.getuid?.() });
  const how = { stop: new AbortController().signal, tell: () => undefined, warn: () => undefined };
  const place = await openWorkplace(runtime, how);
  const { escrow, verify } = await encryptionOf(place);
  const path = join(scene.tools, `${store}.${turn}.age`);
  const start = performance.now();
  const target = { path, recipients: [escrow, verify ?? escrow], expected: undefined };
  await (store === 'postgres' ? dumpPostgres : dumpMariadb)(place, target);
  return seconds(start);
}

/** A whole run in a process of its own: seconds, and the most memory that it had. */
async function wholeRun(scene: Scene): Promise<{ readonly seconds: number; readonly megabytes: number }> {
  const start = performance.now();
  const { child, ended } = scene.process('backup', 'run');
  let peak = 0;
  const looking = setInterval(() => {
    try {
      const status = readFileSync(`/proc/${child.pid}/status`, 'utf8');
      peak = Math.max(peak, Number(/^VmHWM:\s+(\d+)/m.exec(status)?.[1] ?? 0));
    } catch {
      clearInterval(looking);
    }
  }, 50);
  const { exit, out } = await ended;
  clearInterval(looking);
  expect({ exit, out: exit === 0 ? '' : out }).toEqual({ exit: 0, out: '' });
  return { seconds: seconds(start), megabytes: peak / 1024 };
}

const round = (value: number, places = 2) => Number(value.toFixed(places));

function compared(store: Store, bare: number, ours: number) {
  const ratio = bare / ours;
  return {
    store,
    bare_s: round(bare),
    ours_s: round(ours),
    ratio: round(ratio, 3),
    aim: '≥ 0.95',
    met: ratio >= 0.95 ? 'yes' : 'no',
  };
}

it('dumps as fast as the bare programs, in memory that does not grow', { timeout: 1_800_000 }, async () => {
  await using scene = await backupScene();
  const small = await wholeRun(scene);
  // What is loaded once is no part of how fast a dump goes.
  for (const store of ['postgres', 'mariadb'] as const) await ourSeconds(scene, store, -1);
  await fill(scene, [largest * megabyte, ...Array.from({ length: each }, () => megabyte)]);
  const rows = [];
  for (const store of ['postgres', 'mariadb'] as const) {
    const bare: number[] = [];
    const ours: number[] = [];
    for (let turn = 0; turn < rounds; turn += 1) {
      bare.push(await bareSeconds(scene, store));
      ours.push(await ourSeconds(scene, store, turn));
    }
    rows.push(compared(store, median(bare), median(ours)));
  }
  const whole = await wholeRun(scene);
  const { data } = await scene.backup('list');
  const { parts } = manifestOf(scene, data.sets[0].id) as { readonly parts: readonly Part[] };
  report('backup', rows);
  report('backup run, with all proofs', [
    { stored_mb: 0, run_s: round(small.seconds), peak_mb: round(small.megabytes, 0) },
    {
      stored_mb: 2 * (each + largest),
      run_s: round(whole.seconds),
      peak_mb: round(whole.megabytes, 0),
      dumped_mb: round(parts.reduce((sum, part) => sum + part.plain_bytes, 0) / megabyte, 0),
      sealed_mb: round(parts.reduce((sum, part) => sum + part.bytes, 0) / megabyte, 0),
    },
  ]);
  expect(parts.map(({ kind }) => kind)).toEqual(expect.arrayContaining(['postgres', 'mariadb']));
});
