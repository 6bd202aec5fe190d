import { expect, it } from 'vitest';

import { mariadbAt } from '../../../src/adapters/mariadb.ts';
import { Secret } from '../../../src/domain/secret.ts';
import { lockTables } from '../../../src/store/postal/backup.ts';
import { startMariadbEngine } from '../../engines/mariadb-engine.ts';
import { openSilentLine } from '../../engines/silent-line.ts';

it("the lock of a backup whose connection is cut off without a word lets Postal's writers go on soon", async () => {
  const engine = await startMariadbEngine();
  try {
    const { socketPath } = engine.address as { readonly socketPath: string };
    await using line = await openSilentLine(socketPath);
    const root = { user: 'root', password: new Secret(''), timeoutMs: 60_000 };
    const over = mariadbAt({ ...root, host: '127.0.0.1', port: line.port });
    const direct = mariadbAt({ ...root, host: socketPath, port: 0 });
    const write = () => direct.session((session) => session.command('create database written'));
    await over.session(async (session) => {
      await lockTables(session, 1_000);
      expect(line.cut()).toBe(1);

      await expect(write()).resolves.toBeUndefined();
    });
  } finally {
    await engine.stop();
  }
});
