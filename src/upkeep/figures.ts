import { join } from 'node:path';

import { type BookWorld, runsFolder } from './run-book.ts';

/** One figure of a command that does not stay; the scheduler publishes it as a gauge. */
export interface Figure {
  /** Starts with `mailctl_`, ends with its base unit. */
  readonly name: string;
  readonly help: string;
  /** Bounded: never an address or a message id. */
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** Writes down the figures of a command in place of those it left before. `source` is its name, such as `backup`. */
export async function recordFigures(
  { dir, files }: BookWorld,
  source: string,
  figures: readonly Figure[],
): Promise<void> {
  await files.makeFolder(join(dir, runsFolder), 0o755);
  const path = join(dir, runsFolder, `${source}.figures.json`);
  await files.write(path, `${JSON.stringify({ figures }, undefined, 2)}\n`, 0o644);
}

/** The figures that every command left. What cannot be read is passed over. */
export async function readFigures({
  dir,
  files,
}: BookWorld & { readonly files: { list(path: string): Promise<readonly string[]> } }): Promise<
  readonly Figure[]
> {
  const names = await files.list(join(dir, runsFolder));
  const books = names.filter((name) => name.endsWith('.figures.json'));
  const texts = await Promise.all(books.map((name) => files.readAny(join(dir, runsFolder, name))));
  return texts.flatMap((text) => (text === undefined ? [] : figuresIn(text)));
}

function figuresIn(text: string): readonly Figure[] {
  try {
    const { figures } = JSON.parse(text) as { readonly figures?: unknown };
    return Array.isArray(figures) ? figures.filter(isFigure) : [];
  } catch {
    return [];
  }
}

function isFigure(figure: unknown): figure is Figure {
  if (typeof figure !== 'object' || figure === null) return false;
  const { name, help, labels, value } = figure as Partial<Record<keyof Figure, unknown>>;
  return (
    typeof name === 'string' &&
    /^mailctl_[a-z0-9_]+$/.test(name) &&
    typeof help === 'string' &&
    typeof value === 'number' &&
    typeof labels === 'object' &&
    labels !== null &&
    Object.entries(labels).every(([label, text]) => /^[a-z_]+$/.test(label) && typeof text === 'string')
  );
}
