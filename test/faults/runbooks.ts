import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { expect } from 'vitest';

import { exec } from '../../src/adapters/exec.ts';

const root = join(import.meta.dirname, '../..');

/** The command lines of a text, block by block. */
export function linesIn(text: string): readonly (readonly string[])[] {
  return [...text.matchAll(/```sh\n(.*?)```/gs)].map(([, lines = '']) =>
    lines
      .split('\n')
      .map((line) => line.trim())
      .filter(Boolean),
  );
}

/** The command lines of a runbook, block by block. */
export function runbook(name: string): readonly (readonly string[])[] {
  return linesIn(readFileSync(join(root, 'templates/runbooks', `${name}.md`), 'utf8'));
}

/** A shell in the new folder, with `mailctl` in its PATH; a line that does not end as it should fails the test. */
export function shellIn(dir: string, tools: string, variables: Readonly<Record<string, string>>) {
  const program = ['typescript.mjs', 'mailctl.ts'].map((name) => join(root, 'test/programs', name));
  const start = `exec ${process.execPath} --import ${program[0]} ${program[1]} --no-input "$@"`;
  writeFileSync(join(tools, 'mailctl'), `#!/bin/sh\n${start}\n`);
  chmodSync(join(tools, 'mailctl'), 0o755);
  const environment = { ...variables, PATH: `${tools}:${process.env['PATH']}` };
  return async (line: string, code = 0) => {
    const ended = await exec(['bash', '-o', 'pipefail', '-c', line], {
      timeoutMs: 60_000,
      folder: dir,
      environment,
    });
    const err = ended.exit === code ? '' : ended.stderr;
    expect({ line, exit: ended.exit, err }).toEqual({ line, exit: code, err: '' });
    return ended.stdout;
  };
}
