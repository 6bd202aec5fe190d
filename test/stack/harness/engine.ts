import { spawn } from 'node:child_process';
import { existsSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { exec } from '../../../src/adapters/exec.ts';
import { systemClock } from '../../../src/adapters/clock.ts';

const installMs = 300_000;
const startMs = 60_000;
const stopMs = 60_000;
/** Names the engine that these tests started, for whoever ends it. */
const startedPid = join(tmpdir(), 'mailctl-test-dockerd.pid');

/** Makes sure that a Docker engine answers, installing Debian's where there is none. Returns why there can be none. */
export async function ensureEngine(): Promise<string | undefined> {
  if (await answers()) return undefined;
  if (process.getuid?.() !== 0) return 'not applicable: no Docker engine runs, and only root can start one';
  if (!existsSync('/usr/sbin/dockerd') && !existsSync('/usr/bin/dockerd')) {
    const refused = await install();
    if (refused) return refused;
  }
  const log = openSync('/var/log/dockerd-for-tests.log', 'a');
  const engine = spawn('dockerd', [], { detached: true, stdio: ['ignore', log, log] });
  engine.unref();
  writeFileSync(startedPid, String(engine.pid));
  const deadline = Date.now() + startMs;
  while (Date.now() < deadline) {
    if (await answers()) return undefined;
    await systemClock.sleep(200);
  }
  return `not applicable: the Docker engine does not start here: ${readFileSync('/var/log/dockerd-for-tests.log', 'utf8').trim().split('\n').at(-1)}`;
}

/** Ends the engine if these tests started it; one that ran before them is left alone. */
export async function stopStartedEngine(): Promise<void> {
  if (!existsSync(startedPid)) return;
  const pid = Number(readFileSync(startedPid, 'utf8'));
  rmSync(startedPid);
  const isEngine = () => commandOf(pid).startsWith('dockerd');
  if (isEngine()) process.kill(pid, 'SIGTERM');
  const deadline = Date.now() + stopMs;
  while (isEngine() && Date.now() < deadline) await systemClock.sleep(200);
}

function commandOf(pid: number): string {
  return existsSync(`/proc/${pid}/comm`) ? readFileSync(`/proc/${pid}/comm`, 'utf8') : '';
}

async function answers(): Promise<boolean> {
  const asked = exec(['docker', 'info', '--format', '{{.ServerVersion}}'], { timeoutMs: 20_000 });
  const finished = await asked.catch(() => undefined);
  return finished?.exit === 0 && finished.stdout.trim() !== '';
}

const packages = 'docker.io iptables ca-certificates docker-compose/trixie docker-buildx/trixie mmdebstrap';

/** Debian 12 has the engine; Compose and BuildKit come from Debian 13, which is preferred for nothing else. */
async function install(): Promise<string | undefined> {
  const sources = '/etc/apt/sources.list.d/debian.sources';
  if (!existsSync(sources)) return 'not applicable: no Debian with apt, and no Docker engine';
  const trixie = readFileSync(sources, 'utf8').replaceAll('bookworm', 'trixie');
  writeFileSync('/etc/apt/sources.list.d/trixie.sources', trixie);
  writeFileSync(
    '/etc/apt/preferences.d/trixie-low',
    'Package: *\nPin: release n=trixie*\nPin-Priority: 50\n',
  );
  const script = `apt-get update -qq && apt-get install -yqq --no-install-recommends ${packages}`;
  const environment = { DEBIAN_FRONTEND: 'noninteractive' };
  const { exit, stderr } = await exec(['sh', '-c', script], { timeoutMs: installMs, environment });
  return exit === 0 ? undefined : `no Docker engine could be installed: ${stderr.trim().split('\n').at(-1)}`;
}
