import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { temporaryFolder } from '../cli/folders.ts';
import { envText } from '../config/valid-sources.ts';
import { buildProgram, start } from '../integration/cli/program.ts';

const program = buildProgram();
const taken = createServer();
let address = '';
beforeAll(async () => {
  taken.listen(0, '127.0.0.1');
  await once(taken, 'listening');
  address = `127.0.0.1:${(taken.address() as AddressInfo).port}`;
});
afterAll(() => {
  taken.close();
  program[Symbol.dispose]();
});

/** A service that is left alone with its failure: nothing but itself ends it. */
async function failing(service: string, variables: Readonly<Record<string, string>>) {
  using folder = temporaryFolder();
  const own = { MAILCTL_MODE: 'sandbox', RELAY_SUBMISSION_LISTEN: 'off', RELAY_TLS_LISTEN: 'off' };
  const plain = { RELAY_TLS_CERT_FILE: undefined, RELAY_TLS_KEY_FILE: undefined };
  const here = {
    RELAY_PRIVATE_LISTEN: '127.0.0.1:0',
    RELAY_JOURNAL_DIR: join(folder.path, 'journal'),
    RELAY_SPILL_DIR: join(folder.path, 'spill'),
  };
  const values = { ...own, ...plain, ...here, POSTGRES_PORT: '9', POSTAL_API_KEY: 'none', ...variables };
  await writeFile(join(folder.path, '.env'), envText(values), { mode: 0o600 });
  const running = start([process.execPath, program.path, '-C', folder.path, service]);
  const { exit, err } = await running.ended;
  return { exit, err };
}

describe('a service that cannot start', { timeout: 60_000 }, () => {
  it.each(['relay', 'worker', 'scheduler'])(
    'ends, so that it can be started again, and says which port is taken: %s',
    async (service) => {
      const variable = `${service.toUpperCase()}_HEALTH_LISTEN`;
      const { exit, err } = await failing(service, { [variable]: address });
      expect({ exit, err }).toEqual({ exit: 10, err: expect.stringContaining(variable) });
    },
  );

  it('ends where there is no database: api', async () => {
    const { exit, err } = await failing('api', {});
    expect({ exit, err }).toEqual({ exit: 13, err: expect.stringContaining('PostgreSQL') });
  });
});
