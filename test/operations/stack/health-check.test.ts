import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { describe, expect, it } from 'vitest';

import { freePort } from '../../../src/adapters/free-port.ts';
import { type Probe, startHealth } from '../../../src/services/health.ts';

const script = join(import.meta.dirname, '../../../templates/image/health.sh');
const well: Probe = async () => ({ ok: true });
const ill: Probe = async () => ({ ok: false, why: 'a "reason", with ok":true in it' });

/** What the check says of a service; undefined where it is content. */
async function complaint(service: string, port: number, path = process.env['PATH'] ?? '') {
  return promisify(execFile)('/bin/bash', [script, service, String(port)], { env: { PATH: path } }).then(
    () => undefined,
    ({ stdout }: { readonly stdout: string }) => stdout,
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

describe('the check of a container', () => {
  it('is content with the service that is well, for which no Node is started', async () => {
    await using api = await apiWith({ live: well, ready: well });
    expect(await complaint('api', api.port, '/nowhere')).toBeUndefined();
  });

  it('names another service that answers', async () => {
    await using api = await apiWith({ live: well, ready: well });
    expect(await complaint('worker', api.port)).toBe(`port ${api.port} is api, not worker\n`);
  });

  it.each([
    ['hangs', { live: ill, ready: well }, 'loops'],
    ['cannot serve', { live: well, ready: ill }, 'queue'],
  ])('says why of one that %s', async (_what, looks, name) => {
    await using api = await apiWith(looks);
    expect(await complaint('api', api.port)).toBe(`${name}: a "reason", with ok":true in it\n`);
  });

  it('is not content where nothing listens', async () => {
    expect(await complaint('api', await freePort())).toBe('');
  });
});
