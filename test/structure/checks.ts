import {
  drawers,
  hiddenInputs,
  homes,
  kebabCase,
  layers,
  longestDoc,
  nodeHomes,
  operationEdges,
  places,
  sql,
  testHabits,
  vagueVerb,
} from './rules.ts';
import type { Import, Source } from './source.ts';

/** Every rule these files break, alone or together, as sentences that begin with the path. */
export function broken(sources: readonly Source[]): string[] {
  const alone = sources.flatMap((source) => {
    const rules = source.path.startsWith('src/') ? sourceRules : testRules;
    return rules.flatMap((rule) => rule(source)).map((why) => `${source.path} ${why}`);
  });
  return [...new Set([...alone, ...cycles(sources)])];
}

const sourceRules = [imports, packages, operations, nodeModules, touches, statements, functions, names];
const testRules = [habits, names];

function imports(source: Source): string[] {
  return source.imports
    .filter((edge) => edge.to.startsWith('src/') && !mayImport(source.path, edge))
    .map((edge) => `imports ${edge.to}: ${placeOf(source.path)} may not ${wordsOf(edge)}`);
}

function mayImport(path: string, edge: Import): boolean {
  const [from, to] = [placeOf(path), placeOf(edge.to)];
  if (isOtherRoom(path, edge.to)) return false;
  const allowed = layers[from] ?? { from: [] };
  return (
    from === to ||
    allowed.from.includes(to) ||
    (edge.typeOnly && (allowed.types ?? []).includes(to)) ||
    (edge.lazy && (allowed.lazily ?? []).includes(to))
  );
}

function placeOf(path: string): string {
  return places.find(([pattern]) => pattern.test(path))?.[1] ?? 'a place of no name';
}

function isOtherRoom(path: string, to: string): boolean {
  const [own, other] = [path, to].map((file) => /^src\/services\/([^/]+)\//.exec(file)?.[1]);
  return own !== undefined && other !== undefined && own !== other;
}

function wordsOf({ to, typeOnly, lazy }: Import): string {
  return `import ${typeOnly ? 'types of ' : ''}${placeOf(to)}${lazy || typeOnly ? '' : ' here'}`;
}

function packages(source: Source): string[] {
  return source.imports
    .filter(({ to }) => !to.startsWith('src/') && !to.startsWith('node:') && !to.startsWith('..'))
    .filter(({ to }) => !homes[to]?.test(source.path))
    .map(({ to }) => `imports ${to}, whose home is ${homes[to]?.source ?? 'not named in rules.ts'}`);
}

function operations(source: Source): string[] {
  const [, own] = /^src\/operations\/([^/]+)\//.exec(source.path) ?? [];
  return source.imports.flatMap(({ to }) => {
    const [, other] = /^src\/operations\/([^/]+)\//.exec(to) ?? [];
    if (!own || !other || own === other || other === 'steps') return [];
    const edge = `${own} → ${other}`;
    return operationEdges.includes(edge) ? [] : [`adds the edge ${edge}, which rules.ts does not list`];
  });
}

function nodeModules(source: Source): string[] {
  return source.imports.flatMap(({ to }) =>
    nodeHomes
      .filter(({ module, only }) => module.test(to) && !only.test(source.path))
      .map(({ why }) => `imports ${to}: ${why}`),
  );
}

function touches(source: Source): string[] {
  return source.touches.flatMap((touched) =>
    hiddenInputs
      .filter(({ touch, only }) => touch.test(touched) && !only.test(source.path))
      .map(({ why }) => `touches ${touched}: ${why}`),
  );
}

function statements(source: Source): string[] {
  if (source.path.startsWith('src/store/')) return [];
  return source.texts
    .filter((text) => sql.test(text))
    .map((text) => `has SQL, which lives in store/: ${text.trim().slice(0, 40)}`);
}

function functions(source: Source): string[] {
  return source.functions.flatMap(({ name, exported, docLines }) => [
    ...(vagueVerb.test(name) ? [`has a function ${name}: say what it does`] : []),
    ...(exported && docLines === 0 ? [`exports ${name} without saying what it promises`] : []),
    ...(exported && docLines > longestDoc ? [`explains ${name} in more than ${longestDoc} lines`] : []),
  ]);
}

function names(source: Source): string[] {
  const words = source.path.split('/').map((part) => part.replace(/(\.(test|config|d))?\.ts$/, ''));
  return [
    ...words.filter((word) => drawers.test(word)).map((word) => `has a drawer for a name: ${word}`),
    ...words.filter((word) => !kebabCase.test(word)).map((word) => `has a name not in kebab-case: ${word}`),
    ...(source.barrel ? ['is a barrel: import from the file that has it'] : []),
  ];
}

function habits(source: Source): string[] {
  return source.touches.flatMap((touched) =>
    testHabits.filter(({ touch }) => touch.test(touched)).map(({ why }) => `has ${touched}: ${why}`),
  );
}

/** The cycles of imports, types included: each file that can reach itself is named once, with the way. */
function cycles(sources: readonly Source[]): string[] {
  const graph = new Map(sources.map(({ path, imports: edges }) => [path, edges.map(({ to }) => to)]));
  const done = new Set<string>();
  const found: string[] = [];
  const walk = (path: string, way: readonly string[]): void => {
    if (way.includes(path)) {
      found.push(`${path} is in a cycle: ${[...way.slice(way.indexOf(path)), path].join(' → ')}`);
    } else if (!done.has(path)) {
      for (const next of graph.get(path) ?? []) walk(next, [...way, path]);
      done.add(path);
    }
  };
  for (const path of graph.keys()) walk(path, []);
  return found;
}
