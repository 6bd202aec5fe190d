import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

import type { Program } from '../../programs/program.ts';

/** What POSTAL_RESTART runs: it asks the test to start Postal anew. */
export const restartProgram = `
require('node:http').get(process.argv[2], (reply) => process.exit(reply.statusCode === 200 ? 0 : 1));
`;

/** A Postal that is ended and started again whenever its URL is asked. */
export async function restartingPostal(start: () => Promise<Program>) {
  let running = await start();
  let count = 0;
  const server = createServer(async (_, response) => {
    running.kill('SIGTERM');
    await running.ended;
    running = await start();
    count += 1;
    response.writeHead(200).end();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    restarts: () => count,
    [Symbol.asyncDispose]: async () => {
      server.close();
      await running[Symbol.asyncDispose]();
    },
  };
}
