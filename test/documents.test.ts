import { existsSync, readFileSync } from 'node:fs';

import { beforeAll, describe, expect, it } from 'vitest';

import { environment } from '../src/config/environment.ts';
import { eventKinds } from '../src/domain/event.ts';
import { failures } from '../src/domain/failure.ts';
import { checklistIn, type ChecklistRow, untrue } from './documents/checklist.ts';
import { type CommandEntry, commandTree } from './documents/command-tree.ts';
import { commandLinesIn, misunderstood, variablesIn } from './documents/mentions.ts';
import {
  commandsPart,
  eventsPart,
  exitCodesPart,
  leaves,
  variablesPart,
  withParts,
} from './documents/readme.ts';

const documents = ['README.md', 'CHANGELOG.md'];
const readme = read('README.md');
let program: CommandEntry;

beforeAll(async () => {
  program = await commandTree();
});

function read(path: string): string {
  return readFileSync(new URL(`../${path}`, import.meta.url), 'utf8');
}

function isInTree(path: string): boolean {
  return existsSync(new URL(`../${path}`, import.meta.url));
}

describe('the README', () => {
  it('has the tables that the program would print today (else: npm run docs)', async () => {
    const parts = {
      commands: commandsPart(program),
      events: eventsPart(eventKinds),
      variables: variablesPart(environment),
      'exit codes': exitCodesPart(failures),
    };
    await expect(withParts(readme, parts)).toMatchFileSnapshot('../README.md');
  });

  it('says how each of the 23 rows of the checklist stands, truly', () => {
    const rows = checklistIn(readme);
    expect(rows.map(({ number }) => number)).toEqual(Array.from({ length: 23 }, (_, index) => index + 1));
    expect(rows.flatMap((row) => untrue(row, isInTree))).toEqual([]);
  });

  it('points only to files that exist', () => {
    const targets = [...readme.matchAll(/\]\((?!https?:|#)([^)]+)\)/g)].map(([, path = '']) => path);
    expect(targets.filter((path) => !isInTree(path))).toEqual([]);
  });
});

describe.each(documents)('%s', (path) => {
  it('has only commands and flags that the program understands', () => {
    const lines = commandLinesIn(read(path));
    expect(lines.flatMap((words) => misunderstood(program, words) ?? [])).toEqual([]);
  });

  it('names only variables that exist', () => {
    expect([...new Set(variablesIn(read(path)))].filter((name) => !isVariable(name))).toEqual([]);
  });

  it('is in English', () => {
    expect(read(path)).not.toMatch(/[^\p{Script=Latin}\p{Script=Common}]/u);
  });
});

/** Variables of others that the documents speak of. */
const foreign = ['NO_COLOR', 'NODE_ENV', 'MAILCTL_DIR', 'XDG_CACHE_HOME', 'CRON_TZ', 'NAME_FILE'];

function isVariable(name: string): boolean {
  const owner = name.replace(/_FILE$/, '');
  return foreign.includes(name) || name in environment || owner in environment;
}

describe('these checks', () => {
  it('read the program: it has commands, and each says what it does', () => {
    const all = leaves(program);
    expect(all.map(({ name }) => name)).toContain('config show');
    expect(all.filter(({ summary }) => summary === '').map(({ name }) => name)).toEqual([]);
  });

  it.each([
    ['mailctl konfig show', 'mailctl has no verb konfig'],
    ['mailctl config shows', 'config has no verb shows'],
    ['mailctl config show --orgin', 'config show has no flag --orgin'],
    ['mailctl -C DIR config --json explain NAME --loud', 'config explain has no flag --loud'],
    ['npm ci && ./bin/mailctl.js config show --orgin', 'config show has no flag --orgin'],
  ])('see what is wrong in `%s`', (line, problem) => {
    const [words = []] = commandLinesIn(`\`\`\`sh\n${line}\n\`\`\`\n`);
    expect(misunderstood(program, words)).toBe(problem);
  });

  it.each([
    'mailctl -C DIR config …',
    'mailctl config show [--origin]',
    'mailctl --version',
    'mailctl --json config show',
  ])('have nothing against `%s`', (line) => {
    const [words = []] = commandLinesIn(`\`${line}\``);
    expect(words.length).toBeGreaterThan(0);
    expect(misunderstood(program, words)).toBeUndefined();
  });

  it('see a variable that does not exist', () => {
    expect(variablesIn('Set `API_RATE_LIMTI`.').filter((name) => !isVariable(name))).toEqual([
      'API_RATE_LIMTI',
    ]);
  });

  it('see a table without its markers', () => {
    expect(() => withParts('# mailctl', { variables: '' })).toThrow('lacks the markers');
  });

  it.each<[Partial<ChecklistRow>, string]>([
    [{ state: 'works' }, 'row 7 says "works" and names no test'],
    [{ state: 'works', tests: ['test/none.test.ts'] }, 'row 7 names test/none.test.ts, which does not exist'],
    [{ state: 'not yet', tests: ['README.md'] }, 'row 7 has tests for what is not there'],
    [{ state: 'in part', tests: ['README.md'] }, 'row 7 does not say what is missing'],
    [{ state: 'perhaps', tests: ['README.md'] }, 'row 7 is in the state "perhaps"'],
  ])('see that a row cannot be %j', (change, problem) => {
    const row = { number: 7, holds: '', state: '', command: '', tests: [], ...change };
    expect(untrue(row, isInTree)).toEqual([problem]);
  });
});
