import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

import { expect, it } from 'vitest';

import { objectStoreAt } from '../../src/adapters/object-store.ts';
import { Secret } from '../../src/domain/secret.ts';

it('a storage that is cut off in the middle of an object is unreachable, which is no bug of ours', async () => {
  const server = createServer((_, response) => {
    response.writeHead(200, { 'content-length': '1000' });
    response.write('half', () => response.destroy());
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const store = objectStoreAt({
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/bucket`,
    region: 'auto',
    keyId: 'id',
    secret: new Secret('a secret of the storage'),
    timeoutMs: 5000,
  });

  const read = async (): Promise<number> => {
    let bytes = 0;
    for await (const piece of store.read('set/manifest.json')) bytes += piece.length;
    return bytes;
  };
  await expect(read()).rejects.toMatchObject({ code: 'unreachable', field: 'BACKUP_S3_URL' });
  server.close();
});
