import { readdirSync, readFileSync } from 'node:fs';

import { describe, expect, it } from 'vitest';

import { allVariables, environment } from '../src/config/environment.ts';
import { broken } from './structure/checks.ts';
import { topLevel } from './structure/rules.ts';
import { readSource } from './structure/source.ts';
import { unread, unreadByRoom } from './structure/variables.ts';

const root = new URL('../', import.meta.url);
const ignored = ['node_modules', 'dist', 'coverage'];
const tree = [...files('src'), ...files('test')].map((path) =>
  readSource(path, readFileSync(new URL(path, root), 'utf8')),
);

function files(folder: string): string[] {
  return readdirSync(new URL(folder, root), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && !name.includes('fixtures/'))
    .map((name) => `${folder}/${name}`);
}

describe('the tree', () => {
  it('breaks no rule of the house', () => {
    expect(broken(tree)).toEqual([]);
  });

  it('has nothing at its top but what belongs there', () => {
    const strangers = readdirSync(root).filter(
      (name) =>
        !topLevel.includes(name) &&
        !ignored.includes(name) &&
        !name.startsWith('.') &&
        !name.endsWith('.tgz'),
    );
    expect(strangers).toEqual([]);
  });

  it('has no variable that no code reads', () => {
    expect(unread(environment, tree)).toEqual([]);
  });

  it('gives each room only variables that it reads', () => {
    expect(unreadByRoom(environment, tree)).toEqual([]);
  });
});

describe('the rules', () => {
  it.each(violations())('see that %s', (_title, path, text, why) => {
    expect(broken([...innocent, readSource(path, text)]).join('\n')).toContain(why);
  });

  it('have nothing against what they allow', () => {
    expect(broken(innocent)).toEqual([]);
  });

  it('see a cycle, types included, and say the way around', () => {
    const cycle = [
      readSource('src/domain/a.ts', `import { b } from './b.ts';\nexport const a = b;`),
      readSource('src/domain/b.ts', `import type { C } from './c.ts';\nexport const b: C = 1;`),
      readSource('src/domain/c.ts', `export type { a as C } from './a.ts';\nexport const c = 1;`),
    ];
    expect(broken(cycle)).toEqual([
      'src/domain/a.ts is in a cycle: src/domain/a.ts → src/domain/b.ts → src/domain/c.ts → src/domain/a.ts',
    ]);
  });

  it('see a variable that is only named in a text', () => {
    const [name = ''] = allVariables;
    const mention = readSource('src/services/relay/room.ts', `export const hint = 'Set ${name}';`);
    const use = readSource('src/services/relay/room.ts', `export const port = config.${name};`);
    expect(unread(environment, [mention])).toContain(name);
    expect(unread(environment, [use])).not.toContain(name);
  });

  it('see a variable that a room is given and does not read', () => {
    const start = readSource('src/services/relay/start.ts', `import { port } from './port.ts';\nport();`);
    const port = readSource(
      'src/services/relay/port.ts',
      'export const port = (config) => config.MAIL_DOMAIN;',
    );
    const apart = readSource(
      'src/services/relay/apart.ts',
      'export const level = (config) => config.LOG_LEVEL;',
    );
    expect(unreadByRoom(environment, [start, port, apart])).toContain('relay: LOG_LEVEL');
    expect(unreadByRoom(environment, [start, port, apart])).not.toContain('relay: MAIL_DOMAIN');
  });
});

const innocent = [
  readSource('src/domain/word.ts', `/** One. */\nexport function spell(): string { return 'word'; }`),
  readSource(
    'src/services/loop.ts',
    `import { spell } from '../domain/word.ts';\nspell();\nconst hourMs = 3_600_000;`,
  ),
  readSource('src/services/relay/room.ts', `import type { Clock } from '../../adapters/clock.ts';`),
  readSource('src/services/relay/start.ts', `import { clock } from '../../adapters/clock.ts';\nclock();`),
  readSource('src/cli/commands/relay.ts', `await import('../../services/relay/main.ts');`),
  readSource('src/adapters/clock.ts', 'export const time = [Date.now(), new Date()];'),
  readSource('src/store/rows.ts', `export const rows = 'select id from rows';`),
  readSource('src/operations/title.ts', `export const title = 'select the newest set';`),
  readSource('test/wait.test.ts', 'while (!ready()) await setTimeout(5);'),
];

type Violation = readonly [title: string, path: string, text: string, why: string];

function violations(): Violation[] {
  return [...imported(), ...housed(), ...touched(), ...named(), ...tested()];
}

function imported(): Violation[] {
  return [
    [
      'the domain imports nothing',
      'src/domain/a.ts',
      `import { b } from '../config/b.ts';`,
      'domain may not import config',
    ],
    [
      'the store takes only types of adapters',
      'src/store/a.ts',
      `import { openPostgres } from '../adapters/postgres.ts';`,
      'store may not import adapters',
    ],
    [
      'adapters know no store',
      'src/adapters/a.ts',
      `import type { Row } from '../store/rows.ts';`,
      'adapters may not import types of store',
    ],
    [
      'a room opens no adapter',
      'src/services/api/room.ts',
      `import { systemClock } from '../../adapters/clock.ts';`,
      'room may not import adapters',
    ],
    [
      'a room does not know another, not even its types',
      'src/services/api/room.ts',
      `import type { A } from '../relay/room.ts';`,
      'room may not import types of room',
    ],
    [
      'a start does not know another room',
      'src/services/api/start.ts',
      `import { a } from '../relay/room.ts';`,
      'start may not import room',
    ],
    [
      'a service does not know operations',
      'src/services/worker/room.ts',
      `import type { Plan } from '../../operations/plan.ts';`,
      'room may not import types of operations',
    ],
    [
      'a dynamic import is an import',
      'src/services/worker/room.ts',
      `await import('../../cli/output.ts');`,
      'room may not import cli',
    ],
    [
      'an import in a type is an import',
      'src/domain/a.ts',
      `export type A = import('../store/rows.ts').Row;`,
      'domain may not import types of store',
    ],
    [
      'a re-export is an import',
      'src/domain/a.ts',
      `export { rows } from '../store/rows.ts';\nexport const a = 1;`,
      'domain may not import store',
    ],
    [
      'an operation does not open an adapter',
      'src/operations/a.ts',
      `import { systemClock } from '../adapters/clock.ts';`,
      'operations may not import adapters',
    ],
    [
      'the cli starts a service only when called',
      'src/cli/commands/relay.ts',
      `import { main } from '../../services/relay/main.ts';`,
      'cli may not import main',
    ],
    [
      'the cli does not reach past main.ts',
      'src/cli/commands/relay.ts',
      `await import('../../services/relay/start.ts');`,
      'cli may not import start',
    ],
    [
      'the cli knows no store',
      'src/cli/commands/a.ts',
      `import { rows } from '../../store/rows.ts';`,
      'cli may not import store',
    ],
    [
      'a folder nobody planned has no rights',
      'src/extras/a.ts',
      `import { spell } from '../domain/word.ts';`,
      'a place of no name may not import domain',
    ],
    [
      'an operation that calls another is listed',
      'src/operations/history/a.ts',
      `import { run } from '../backup/run.ts';`,
      'adds the edge history → backup',
    ],
  ];
}

function housed(): Violation[] {
  return [
    ['pg has one home', 'src/store/a.ts', `import pg from 'pg';`, 'imports pg, whose home is'],
    [
      'types of a package stay at home too',
      'src/services/a.ts',
      `import type { Pool } from 'pg';`,
      'imports pg, whose home is',
    ],
    [
      'a package without a home is refused',
      'src/adapters/a.ts',
      `import { map } from 'lodash/fp';`,
      'imports lodash, whose home is not named',
    ],
    [
      'only adapters start processes',
      'src/operations/a.ts',
      `import { spawn } from 'node:child_process';`,
      'processes are started by adapters',
    ],
    [
      'the process is not imported either',
      'src/operations/a.ts',
      `import { env } from 'node:process';`,
      'only main.ts and adapters',
    ],
    [
      'the domain opens no file',
      'src/domain/a.ts',
      `import { open } from 'node:fs/promises';`,
      'the domain is pure',
    ],
    [
      'SQL lives in the store',
      'src/services/api/a.ts',
      'await db.query(`select id, state\n from messages where id = $1`);',
      'has SQL',
    ],
    [
      'a statement that changes is SQL',
      'src/upkeep/a.ts',
      `await db.change('update messages set state = $1');`,
      'has SQL',
    ],
    [
      'a statement with a hole is SQL',
      'src/upkeep/a.ts',
      'await db.change(`delete from messages where ${what}`);',
      'has SQL',
    ],
  ];
}

function touched(): Violation[] {
  return [
    [
      'process.env is read in main.ts only',
      'src/services/relay/a.ts',
      'export const a = process.env;',
      'touches process',
    ],
    ['process is not passed on elsewhere', 'src/cli/a.ts', 'serve(process);', 'touches process'],
    ['Date.now() is the clock', 'src/domain/a.ts', 'export const a = Date.now();', 'touches Date.now'],
    ['new Date() is the clock', 'src/cli/main.ts', 'export const a = new Date();', 'touches new Date'],
    [
      'performance.now() is the clock',
      'src/cli/main.ts',
      'export const a = performance.now();',
      'touches performance.now',
    ],
    [
      'Math.random() is not for us',
      'src/domain/a.ts',
      'export const a = Math.random();',
      'touches Math.random',
    ],
    [
      'a pause is a variable',
      'src/services/relay/a.ts',
      'await clock.sleep(500, stop);',
      'touches a fixed time: clock.sleep(500, stop)',
    ],
    [
      'a timeout is a variable',
      'src/adapters/a.ts',
      'open({ connectTimeoutMs: 10_000 });',
      'every length of time is a variable',
    ],
    [
      'a timeout is not a constant',
      'src/adapters/a.ts',
      'const retryDelay = 5 * 60 * 1000;',
      'every length of time is a variable',
    ],
    [
      'random bytes come from the adapter',
      'src/operations/a.ts',
      `import { randomBytes } from 'node:crypto';`,
      'touches randomBytes',
    ],
  ];
}

function named(): Violation[] {
  return [
    ['there are no drawers', 'src/domain/utils.ts', 'export const a = 1;', 'has a drawer for a name: utils'],
    ['a folder is no drawer', 'test/helpers/a.ts', 'export const a = 1;', 'has a drawer for a name: helpers'],
    ['an index is a drawer', 'src/domain/index.ts', 'export const a = 1;', 'has a drawer for a name: index'],
    ['names are in kebab-case', 'src/domain/apiKey.ts', 'export const a = 1;', 'not in kebab-case: apiKey'],
    ['there are no barrels', 'src/domain/words.ts', `export * from './word.ts';`, 'is a barrel'],
    [
      'a function says what it does',
      'src/domain/a.ts',
      'function handleMessage() {}\nhandleMessage();',
      'has a function handleMessage',
    ],
    [
      'an exported function has its promise',
      'src/domain/a.ts',
      'export const a = () => 1;',
      'exports a without saying',
    ],
    [
      'a promise is short',
      'src/domain/a.ts',
      '/**\n * 1\n * 2\n * 3\n * 4\n */\nexport function a() {}',
      'more than 3 lines',
    ],
  ];
}

function tested(): Violation[] {
  return [
    ['modules are not mocked', 'test/a.test.ts', `vi.mock('../src/a.ts');`, 'modules are not mocked'],
    ['tests do not sleep', 'test/a.test.ts', 'await setTimeout(500);', 'not for time'],
    [
      'tests do not sleep in a promise',
      'test/a.test.ts',
      'await new Promise((go) => setTimeout(go, 5));',
      'not for time',
    ],
    ['tests do not sleep under another name', 'test/a.test.ts', 'await sleep(500);', 'not for time'],
  ];
}
