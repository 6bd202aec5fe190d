import { describe, expect, it } from 'vitest';

import { startHealth } from '../../src/services/health.ts';
import { gauge, openMetrics } from '../../src/services/metrics.ts';

/** A service whose one figure fails whenever it is asked for. */
async function ailing() {
  const metrics = openMetrics('test');
  const collect = () => Promise.reject(new Error('the database is away'));
  gauge(metrics, { name: 'mailctl_test', help: 'Never told', labels: [], collect });
  const running = await startHealth({
    service: 'test',
    listen: { host: '127.0.0.1', port: 0 },
    live: { loop: async () => ({ ok: true }) },
    ready: { database: () => Promise.reject(new Error('no answer')) },
    metrics,
  });
  return {
    url: `http://127.0.0.1:${running.addresses['health']?.port}`,
    [Symbol.asyncDispose]: () => running.stop(),
  };
}

describe('the health of a service', () => {
  it('lives on when a figure of its metrics fails', async () => {
    await using service = await ailing();
    await expect(fetch(`${service.url}/metrics`)).rejects.toThrow('fetch failed');
    expect((await fetch(`${service.url}/health/live`)).status).toBe(200);
  });

  it('names the probe that failed, and why', async () => {
    await using service = await ailing();
    const response = await fetch(`${service.url}/health/ready`);
    expect({ status: response.status, body: await response.json() }).toEqual({
      status: 503,
      body: { service: 'test', ok: false, checks: [{ name: 'database', ok: false, why: 'no answer' }] },
    });
  });

  it('knows no other page', async () => {
    await using service = await ailing();
    expect((await fetch(`${service.url}/`)).status).toBe(404);
  });
});
