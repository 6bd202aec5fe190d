import type { Variable } from '../../src/config/variable.ts';
import type { Source } from './source.ts';

/** The loader reads what decides how everything else is read, for every room. */
const loader = 'src/config/load.ts';

/** Beside it, only what makes an address out of several variables reads them inside `config/`. */
const readers = /^src\/(?!config\/)|^src\/config\/(load|[a-z-]+-address)\.ts$/;

type Variables = Readonly<Record<string, Variable>>;

/** Variables that no code reads. */
export function unread(variables: Variables, sources: readonly Source[]): string[] {
  const read = readIn(sources.filter(({ path }) => readers.test(path)));
  return declared(variables).filter((name) => !read.has(name));
}

/** `ROOM: NAME` for what a room is given, by `readBy`, and no code that its `start.ts` or `main.ts` leads to reads. */
export function unreadByRoom(variables: Variables, sources: readonly Source[]): string[] {
  return ['relay', 'api', 'worker', 'scheduler', 'sink'].flatMap((room) => {
    const read = readIn(
      reachable(sources, [loader, `src/services/${room}/start.ts`, `src/services/${room}/main.ts`]),
    );
    return declared(variables)
      .filter((name) => variables[name]?.readBy.some((reader) => reader === room) && !read.has(name))
      .map((name) => `${room}: ${name}`);
  });
}

/** `NAME_FILE` beside `NAME` is read by the loader, as for every secret. */
function declared(variables: Variables): string[] {
  return Object.keys(variables).filter(
    (name) => !(name.replace(/_FILE$/, '') in variables && name.endsWith('_FILE')),
  );
}

function readIn(sources: readonly Source[]): ReadonlySet<string> {
  return new Set(sources.flatMap(({ reads }) => reads));
}

function reachable(sources: readonly Source[], from: readonly string[]): readonly Source[] {
  const byPath = new Map(sources.map((source) => [source.path, source]));
  const paths = new Set(from);
  for (const path of paths) for (const { to } of byPath.get(path)?.imports ?? []) paths.add(to);
  return [...paths].map((path) => byPath.get(path)).filter((source) => source !== undefined);
}
