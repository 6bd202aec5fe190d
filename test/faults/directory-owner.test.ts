import { expect, it } from 'vitest';

import { ownDirectory } from '../../src/adapters/directory-owner.ts';
import { startProgram } from '../programs/program.ts';
import { temporaryDirectory } from '../services/relay/journal/fixture.ts';

it('a directory stays with its process while that is frozen, and is free as soon as it is killed', async () => {
  await using directory = await temporaryDirectory();
  await using holder = await startProgram('directory-owner.ts', { args: [directory.path] });
  const named = { code: 'locked', data: { pid: holder.pid } };
  await expect(ownDirectory(directory.path, 10_000)).rejects.toMatchObject(named);
  holder.kill('SIGSTOP');
  for (let time = 0; time < 3; time += 1)
    await expect(ownDirectory(directory.path, 10_000)).rejects.toMatchObject(named);
  holder.kill('SIGKILL');
  await holder.ended;
  const owner = await ownDirectory(directory.path, 10_000);
  await expect(startProgram('directory-owner.ts', { args: [directory.path] })).rejects.toThrow(
    `process ${process.pid} on`,
  );
  await owner.release();
});
