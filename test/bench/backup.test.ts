import { randomBytes } from 'node:crypto';
import { readFileSync, readlinkSync, rmSync } from 'node:fs';
import { join } from 'node:path';

import { createConnection } from 'mysql2/promise';
import { expect, it } from 'vitest';

import { exec } from '../../src/adapters/exec.ts';
import type { Manifest, Store } from '../../src/domain/backup-set.ts';
import { mariadbAddress } from '../engines/mariadb.ts';
import { awkward, backupScene, type Scene } from '../faults/backup/scene.ts';
import { buildProgram, start as startProgram } from '../integration/cli/program.ts';
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
async function bareRun(scene: Scene, store: Store, octets: 'hex' | 'escape'): Promise<Bare> {
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
    ['bash', '-o', 'pipefail', '-c', `${command} | zstd -q -c -3 -T2 >$OUT && sync $OUT && times >&2`],
    {
      timeoutMs: 600_000,
      environment: {
        OUT: join(scene.tools, 'bare.zst'),
        PGOPTIONS: `-c bytea_output=${octets}`,
        PGPASSWORD: scene.database.address.password.reveal(),
        MYSQL_PWD: awkward,
      },
    },
  );
  expect({ exit, stderr }).toMatchObject({ exit: 0 });
  const took = seconds(start);
  const cpu = [...stderr.matchAll(/(\d+)m([\d.]+)s/g)].reduce(
    (sum, [, m, s]) => sum + Number(m) * 60 + Number(s),
    0,
  );
  return { seconds: took, cpu };
}

interface Bare {
  readonly seconds: number;
  /** Seconds of CPU of all programs, without the server. */
  readonly cpu: number;
}

interface Taken extends Bare {
  /** Seconds of CPU of mailctl's own process, without the programs that it starts. */
  readonly ownCpu: number;
  /** Peak of its memory. */
  readonly megabytes: number;
  /** Peak of the sum of its memory and that of the Node programs it started; what they share is counted for each. */
  readonly allMegabytes: number;
}

const ticksPerSecond = 100;

function megabytesOf(pid: number | string | undefined, what: 'VmHWM' | 'VmRSS'): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(new RegExp(`^${what}:\\s+(\\d+)`, 'm').exec(status)?.[1] ?? 0) / 1024;
}

/** The programs that a process started and that run on Node, as it does: what seals and what passes octets on. */
function nodeChildren(pid: number | undefined): readonly string[] {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean);
  return children.filter((child) => orGone(() => readlinkSync(`/proc/${child}/exe`)) === process.execPath);
}

/** What is known of a process; nothing where it has just ended. */
function orGone<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch {
    return undefined;
  }
}

function megabytesOfAll(pid: number | undefined): number {
  const each = [pid, ...nodeChildren(pid)].map((one) => orGone(() => megabytesOf(one, 'VmRSS')) ?? 0);
  return each.reduce((sum, megabytes) => sum + megabytes, 0);
}

/** `mailctl backup run` as it is built, in a process of its own: from its start until the set is published, with all proofs. */
async function ourRun({ dir, shelf }: Scene, program: string, ...words: readonly string[]): Promise<Taken> {
  const command = [process.execPath, program, '-C', dir, 'backup', 'run', '--json', '--no-input'];
  const start = performance.now();
  const { child, ended } = startProgram([...command, ...words]);
  const seen = { cpu: 0, ownCpu: 0, megabytes: 0, allMegabytes: 0 };
  const looking = setInterval(() => {
    try {
      const times = readFileSync(`/proc/${child.pid}/stat`, 'utf8')
        .replace(/^.*\) /, '')
        .split(' ');
      seen.megabytes = Math.max(seen.megabytes, megabytesOf(child.pid, 'VmHWM'));
      seen.allMegabytes = Math.max(seen.allMegabytes, megabytesOfAll(child.pid));
      const [user = 0, system = 0, ...ofPrograms] = times
        .slice(11, 15)
        .map((ticks) => Number(ticks) / ticksPerSecond);
      seen.ownCpu = user + system;
      seen.cpu = ofPrograms.reduce((sum, part) => sum + part, seen.ownCpu);
    } catch {
      clearInterval(looking);
    }
  }, 50);
  const { exit, out } = await ended;
  const took = seconds(start);
  clearInterval(looking);
  expect({ exit, out: exit === 0 ? '' : out }).toEqual({ exit: 0, out: '' });
  const { id } = JSON.parse(out).data.set;
  parts = (JSON.parse(readFileSync(join(shelf, id, 'manifest.json'), 'utf8')) as Manifest).parts;
  rmSync(join(shelf, id), { recursive: true });
  return { seconds: took, ...seen };
}

/** Of the last run. */
let parts: Manifest['parts'] = [];

const round = (value: number, places = 2) => Number(value.toFixed(places));

const middle = <K extends string>(taken: readonly Readonly<Record<K, number>>[], of: K) =>
  median(taken.map((one) => one[of]));

function sumOf(runs: readonly (Bare | undefined)[]): Bare {
  const sum = (of: keyof Bare) => runs.reduce((all, run) => all + (run?.[of] ?? 0), 0);
  return { seconds: sum('seconds'), cpu: sum('cpu') };
}

function compared(what: string, bare: readonly Bare[], ours: readonly Taken[]) {
  const ratio = middle(bare, 'seconds') / middle(ours, 'seconds');
  return {
    what,
    bare_s: round(middle(bare, 'seconds')),
    ours_s: round(middle(ours, 'seconds')),
    ratio: round(ratio, 3),
    aim: '≥ 0.95',
    met: ratio >= 0.95 ? 'yes' : 'no',
    bare_cpu_s: round(middle(bare, 'cpu')),
    ours_cpu_s: round(middle(ours, 'cpu')),
    own_cpu_s: round(middle(ours, 'ownCpu')),
    peak_mb: round(middle(ours, 'megabytes'), 0),
    peak_with_children_mb: round(middle(ours, 'allMegabytes'), 0),
  };
}

it(
  'takes a set as fast as the bare programs dump, in memory that does not grow',
  { timeout: 1_800_000 },
  async () => {
    await using scene = await backupScene({ BACKUP_SHRINK_PERCENT: '100' });
    using program = buildProgram();
    const empty = await ourRun(scene, program.path);
    await fill(scene, [largest * megabyte, ...Array.from({ length: each }, () => megabyte)]);
    const bare = { postgres: [] as Bare[], mariadb: [] as Bare[], both: [] as Bare[] };
    const asText: Bare[] = [];
    const ours = { postgres: [] as Taken[], mariadb: [] as Taken[], both: [] as Taken[] };
    for (let turn = 0; turn < rounds; turn += 1) {
      for (const store of ['postgres', 'mariadb'] as const) {
        bare[store].push(await bareRun(scene, store, 'hex'));
        ours[store].push(await ourRun(scene, program.path, '--only', store));
      }
      asText.push(await bareRun(scene, 'postgres', 'escape'));
      bare.both.push(sumOf([bare.postgres.at(-1), bare.mariadb.at(-1)]));
      ours.both.push(await ourRun(scene, program.path));
    }
    const rows = [
      compared('pg_dump | zstd; backup run --only postgres', bare.postgres, ours.postgres),
      compared('mariadb-dump | zstd; backup run --only mariadb', bare.mariadb, ours.mariadb),
      compared('both, one after another; backup run', bare.both, ours.both),
    ];
    report('backup', rows);
    report('octets of PostgreSQL as text for the bare dump, too', [
      compared('pg_dump, told so | zstd; backup run --only postgres', asText, ours.postgres),
    ]);
    report('what was backed up', [
      { stored_mb: 0, run_s: round(empty.seconds), peak_mb: round(empty.allMegabytes, 0) },
      {
        stored_mb: 2 * (each + largest),
        run_s: round(middle(ours.both, 'seconds')),
        peak_mb: round(middle(ours.both, 'allMegabytes'), 0),
        dumped_mb: round(parts.reduce((sum, part) => sum + part.plain_bytes, 0) / megabyte, 0),
        sealed_mb: round(parts.reduce((sum, part) => sum + part.bytes, 0) / megabyte, 0),
      },
    ]);
    expect(parts.map(({ kind }) => kind)).toEqual(expect.arrayContaining(['postgres', 'mariadb']));
    // The start of a process and its proofs take as long for little as for much: that is what toys measure.
    expect(rows.filter(({ met }) => met === 'no' && !toy)).toEqual([]);
  },
);
