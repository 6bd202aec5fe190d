import { readdir, readFile } from 'node:fs/promises';

/** What a process and all its descendants have used. */
export interface Usage {
  readonly cpuSeconds: number;
  /** Sum of the peaks of each; memory they share is counted once each. */
  readonly peakMegabytes: number;
}

interface Stat {
  readonly pid: number;
  readonly parent: number;
  readonly cpuTicks: number;
}

const ticksPerSecond = 100;

/** Reads it from /proc; children that ended are in it as soon as their parent has waited for them. */
export async function usageOf(root: number): Promise<Usage> {
  const stats = (await Promise.all((await processIds()).map(readStat))).filter((stat) => stat !== undefined);
  const tree = descendants(root, stats);
  const peaks = await Promise.all(tree.map(({ pid }) => peakKilobytes(pid)));
  return {
    cpuSeconds: sum(tree.map(({ cpuTicks }) => cpuTicks)) / ticksPerSecond,
    peakMegabytes: sum(peaks) / 1024,
  };
}

async function processIds(): Promise<readonly number[]> {
  return (await readdir('/proc')).map(Number).filter(Number.isInteger);
}

async function readStat(pid: number): Promise<Stat | undefined> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  const fields = text
    .slice(text.lastIndexOf(')') + 2)
    .split(' ')
    .map(Number);
  // proc(5): utime stime cutime cstime are the fields 14 to 17; the first here is the third.
  return { pid, parent: fields[1] ?? 0, cpuTicks: sum(fields.slice(11, 15)) };
}

function descendants(root: number, stats: readonly Stat[]): readonly Stat[] {
  const children = stats.filter(({ parent }) => parent === root);
  return [
    ...stats.filter(({ pid }) => pid === root),
    ...children.flatMap(({ pid }) => descendants(pid, stats)),
  ];
}

async function peakKilobytes(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
  return Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1] ?? 0);
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
