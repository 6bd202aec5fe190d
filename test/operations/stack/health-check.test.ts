import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { describe, expect, it } from 'vitest';

import { freePort } from '../../../src/adapters/free-port.ts';
import { type Probe, startHealth } from '../../../src/services/health.ts';

const script = join(import.meta.dirname, '../../../templates/image/health.sh');
const well: Probe = async () => ({ ok: true });
const ill: Probe = async () => ({ ok: false, why: 'a "reason", with ok":true in it' });

/** How the quick look at a service ends. */
async function exitOf(service: string, port: number): Promise<number> {
  return promisify(execFile)('bash', [script, service, String(port)]).then(
    () => 0,
    ({ code }: { readonly code: number }) => code,
  );
}

async function apiWith(looks: { readonly live: Probe; readonly ready: Probe }) {
  const port = await freePort();
  const metrics = { contentType: 'text/plain', metrics: async () => '' } as never;
  const listen = { host: '127.0.0.1', port };
  const { stop } = await startHealth({
    service: 'api',
    listen,
    live: { loops: looks.live },
    ready: { database: well, queue: looks.ready },
    metrics,
  });
  return { port, [Symbol.asyncDispose]: stop };
}

describe('the quick look of a container at its service', () => {
  it('is content with the service that is well, and with no other one', async () => {
    await using api = await apiWith({ live: well, ready: well });
    expect(await exitOf('api', api.port)).toBe(0);
    expect(await exitOf('worker', api.port)).toBe(1);
  });

  it.each([
    ['hangs', { live: ill, ready: well }],
    ['cannot serve', { live: well, ready: ill }],
  ])('is not content with one that %s', async (_what, looks) => {
    await using api = await apiWith(looks);
    expect(await exitOf('api', api.port)).toBe(1);
  });

  it('is not content where nothing listens', async () => {
    expect(await exitOf('api', await freePort())).toBe(1);
  });
});
