import { createServer } from 'node:net';

import { expect, it } from 'vitest';

import { main } from '../../../src/services/api/main.ts';
import { still } from '../../config/still.ts';
import { testDatabase } from '../../engines/postgres.ts';
import { apiConfig } from './running-api.ts';
import { until } from './until.ts';

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === 'object' && address ? address.port : 0;
}

it('runs from its configuration alone until it is told to stop', async () => {
  await using database = await testDatabase();
  const port = await freePort();
  const stop = new AbortController();
  const { address } = database;
  const config = apiConfig({ API_LISTEN: `127.0.0.1:${port}`, LOG_LEVEL: 'error', API_NICE: '0' });
  const running = main(
    still<'api'>({
      ...config,
      POSTGRES_HOST: address.host,
      POSTGRES_PORT: address.port,
      POSTGRES_DATABASE: address.database,
      POSTGRES_USER: address.user,
      POSTGRES_PASSWORD: address.password,
    }),
    stop.signal,
  );
  const url = `http://127.0.0.1:${port}/v1/health`;
  const answers = () =>
    fetch(url).then(
      ({ status }) => status === 200,
      () => false,
    );
  await until(answers);
  stop.abort();
  await running;
  expect(await answers()).toBe(false);
});

it('says so when its database is not there', async () => {
  const config = { ...apiConfig({ API_NICE: '0' }), POSTGRES_HOST: '127.0.0.1', POSTGRES_PORT: 1 };
  await expect(main(still<'api'>(config), new AbortController().signal)).rejects.toMatchObject({
    code: 'unreachable',
  });
});
