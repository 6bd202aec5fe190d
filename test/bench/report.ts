/** One measured thing: its name and its figures, units in the names. */
export type Row = Readonly<Record<string, string | number>>;

/** Small sizes prove only that a benchmark runs; `npm run bench -- --toy` asks for them. */
export const toy = process.env.BENCH_SIZE === 'toy';

/** Prints a benchmark for people, and for programs as one line of JSON. */
export function report(bench: string, rows: readonly Row[]): void {
  console.table(rows.map((row) => ({ ...row })));
  console.log(JSON.stringify({ bench, toy, node: process.version, rows }));
}

/** The middle value; of an even number of values the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const half = sorted.length / 2;
  return ((sorted[Math.ceil(half) - 1] ?? Number.NaN) + (sorted[Math.floor(half)] ?? Number.NaN)) / 2;
}
