import { chmodSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import { filesInContainer } from '../../src/adapters/container-files.ts';
import { temporaryFolder } from '../cli/folders.ts';
import { engineOfThisMachine } from '../fakes/container.ts';

const files = filesInContainer(engineOfThisMachine, 'relay', 60_000);

describe('the files inside a container', () => {
  it('are put in place whole, for their owner alone, and read back octet by octet', async () => {
    using folder = temporaryFolder();
    const path = join(folder.path, "a name with 'quotes' and $signs");
    const octets = Buffer.from(Array.from({ length: 70_000 }, (_, index) => index % 256));
    await files.replace(path, [Buffer.from('before')]);
    await files.replace(path, [octets.subarray(0, 10), octets.subarray(10)]);
    expect((await files.read(path)).equals(octets)).toBe(true);
    expect(readFileSync(path).equals(octets)).toBe(true);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(await files.about(path)).toMatchObject({ bytes: 70_000 });
    expect(await files.list(folder.path)).toEqual([path.slice(folder.path.length + 1)]);
  });

  it('are emptied, renamed and removed, and one that is gone already may be removed', async () => {
    using folder = temporaryFolder();
    const [one, other] = [join(folder.path, 'one'), join(folder.path, 'other')];
    writeFileSync(one, 'text');
    writeFileSync(other, 'text');
    await files.replace(one, []);
    await files.rename(one, other);
    await files.syncDirectory(folder.path);
    expect(statSync(other).size).toBe(0);
    await files.remove(other);
    await files.remove(other);
    expect(await files.list(folder.path)).toEqual([]);
  });

  it('fail with the code of the system, and a file that cannot be written leaves the one before', async () => {
    using folder = temporaryFolder();
    const missing = join(folder.path, 'missing');
    await expect(files.list(missing)).rejects.toMatchObject({ code: 'ENOENT' });
    await expect(files.read(missing)).rejects.toMatchObject({ code: 'ENOENT' });
    await expect(files.read(folder.path)).rejects.toMatchObject({ code: 'EIO' });
    writeFileSync(missing, 'before');
    chmodSync(missing, 0o600);
    await expect(files.replace(join(missing, 'below'), [Buffer.from('x')])).rejects.toThrow(
      'in the container',
    );
    expect(readFileSync(missing, 'utf8')).toBe('before');
  });
});
