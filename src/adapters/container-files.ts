import { PassThrough, Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';

import type { WholeFiles } from './disk.ts';
import type { Docker, Execution } from './docker.ts';

/** A whole file is on the medium before it takes the place of the other, as on a disk of our own. */
const replacing = 'umask 077 && cat >"$1.new" && sync "$1.new" && mv -f "$1.new" "$1" && sync "${1%/*}"';

/** What programs say of a file, by the code that the system has for it. */
const failures: readonly (readonly [RegExp, string])[] = [
  [/No such file or directory/, 'ENOENT'],
  [/Permission denied/, 'EACCES'],
];

/**
 * The files inside a running container, reached with its own programs and as its own user. Rejects with the system's code where that is
 * known, `EIO` otherwise; each act may take so many milliseconds.
 */
export function filesInContainer(
  docker: Pick<Docker, 'exec'>,
  container: string,
  timeoutMs: number,
): WholeFiles {
  const run = (argv: readonly string[], stdin?: Readable) =>
    outputOf(docker, container, { argv, stop: AbortSignal.timeout(timeoutMs), ...(stdin && { stdin }) });
  const act = async (...argv: readonly string[]) => void (await run(argv));
  return {
    list: async (path) => linesOf(await run(['ls', '-A1', '--', path])),
    read: (path) => run(['cat', '--', path]),
    replace: async (path, parts) =>
      void (await run(['sh', '-c', replacing, 'sh', path], Readable.from(parts))),
    rename: (from, to) => act('mv', '-f', '-T', '--', from, to),
    remove: (path) => act('rm', '-f', '--', path),
    syncDirectory: (path) => act('sync', '--', path),
    about: async (path) => readStatus(await run(['stat', '-c', '%s %Y', '--', path])),
  };
}

async function outputOf(
  docker: Pick<Docker, 'exec'>,
  container: string,
  execution: Execution,
): Promise<Buffer> {
  const stdout = new PassThrough();
  const [{ exit, stderr }, octets] = await Promise.all([
    docker.exec(container, { ...execution, stdout }),
    buffer(stdout),
  ]);
  if (exit === 0) return octets;
  const code = failures.find(([said]) => said.test(stderr))?.[1] ?? 'EIO';
  throw Object.assign(new Error(`in the container: ${stderr.trim() || `ended with ${exit}`}`), { code });
}

function linesOf(octets: Buffer): readonly string[] {
  return octets.toString('utf8').split('\n').filter(Boolean);
}

function readStatus(octets: Buffer) {
  const [bytes, seconds] = octets.toString('utf8').trim().split(' ').map(Number);
  return { bytes: bytes ?? 0, modifiedAt: new Date((seconds ?? 0) * 1000) };
}
