import { readFileSync } from 'node:fs';

import { expect, it } from 'vitest';

import { exec } from '../../src/adapters/exec.ts';
import { findProgram } from '../engines/programs.ts';

const script = readFileSync(new URL('../../templates/postal/provision.rb', import.meta.url), 'utf8');

it('is taken by a Ruby parser', async () => {
  const { path, libraries } = await findProgram({
    program: 'ruby3.1',
    debianPackage: 'ruby3.1',
    folder: 'usr/bin',
  });
  const check = (input: string) =>
    exec([path, '--disable=gems', '-c'], {
      input,
      timeoutMs: 60_000,
      environment: { LD_LIBRARY_PATH: libraries.join(':') },
    });

  expect(await check(script)).toMatchObject({ exit: 0, stdout: 'Syntax OK' });
  expect(await check(`${script}\nend`)).toMatchObject({ exit: 1 });
});
