import { chmod, mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { exec } from '../../../src/adapters/exec.ts';

/** fsync, fdatasync, and writes to a file opened with O_DSYNC, as on a disk that takes longer for them. */
const source = (ms: number) => `
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/uio.h>
#include <unistd.h>
#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))
static void wait_for_disk(void) { usleep(${ms * 1000}); }
static ssize_t written(int file, ssize_t result) {
  if (result > 0 && (fcntl(file, F_GETFL) & O_DSYNC)) wait_for_disk();
  return result;
}
int fsync(int file) { int result = REAL(fsync)(file); wait_for_disk(); return result; }
int fdatasync(int file) { int result = REAL(fdatasync)(file); wait_for_disk(); return result; }
ssize_t write(int file, const void *octets, size_t length) {
  return written(file, REAL(write)(file, octets, length));
}
ssize_t writev(int file, const struct iovec *parts, int count) {
  return written(file, REAL(writev)(file, parts, count));
}
`;

/**
 * Compiles a library that makes each sync of the programs that load it (LD_PRELOAD) take so much longer, and gives its path; undefined where
 * there is no C compiler.
 */
export async function compileSlowSync(ms: number): Promise<string | undefined> {
  const folder = await mkdtemp(join(tmpdir(), 'mailctl-bench-slow-sync-'));
  await chmod(folder, 0o755);
  const [code, library] = [join(folder, 'slow-sync.c'), join(folder, 'slow-sync.so')];
  await writeFile(code, source(ms));
  const flags = ['-O2', '-shared', '-fPIC', '-o', library, code, '-ldl'];
  const compiled = await exec(['cc', ...flags], { timeoutMs: 60_000 }).catch(() => undefined);
  return compiled?.exit === 0 ? library : undefined;
}
