import { createServer } from 'node:net';

import { describe, expect, it } from 'vitest';

import type { Database } from '../../../src/adapters/postgres.ts';
import { OperatorError } from '../../../src/domain/failure.ts';
import { findApiKey } from '../../../src/store/api-keys.ts';
import { addKey, type ApiUnderTest, call, countOf, runningApi, webhookToken } from './running-api.ts';
import { post, postalEvent, signed } from './signed-webhook.ts';
import { until } from './until.ts';

const hello = { from: 'news@acme.test', to: 'ann@example.com', text: 'Hello' };

/** A database that can be made to go away. */
function fragile(db: Database): Database & { away: boolean } {
  const failing = { away: false };
  const guard = <A extends unknown[], T>(work: (...args: A) => Promise<T>) => {
    return async (...args: A): Promise<T> => {
      if (failing.away)
        throw new OperatorError('unreachable', 'PostgreSQL cannot be reached', {
          hint: 'Check that it runs',
        });
      return work(...args);
    };
  };
  return Object.assign(failing, {
    query: guard(db.query) as Database['query'],
    change: guard(db.change),
    transaction: guard(db.transaction) as Database['transaction'],
  });
}

describe('the api', () => {
  it('is alive, ready and measured on its own port, and healthy for clients without a key', async () => {
    await using api = await runningApi();
    expect((await fetch(`${api.health}/health/live`)).status).toBe(200);
    expect((await fetch(`${api.health}/health/ready`)).status).toBe(200);
    const health = await fetch(`${api.url}/v1/health`);
    expect([health.status, await health.json()]).toEqual([200, { status: 'ok' }]);
    const metrics = await (await fetch(`${api.health}/metrics`)).text();
    expect(metrics).toContain(
      'mailctl_http_requests_total{listener="public",route="/v1/health",method="GET",status="200"',
    );
    expect(metrics).not.toMatch(/msg_|@/);
  });

  it('answers 503 with Retry-After while the database is away, is not ready, and comes back by itself', async () => {
    await using other = await runningApi();
    const db = fragile(other.db);
    await using api = await runningApi({}, { db });
    db.away = true;
    const answer = await call(api, 'POST', '/v1/messages', { body: hello, key: other.key });
    expect(answer).toMatchObject({ status: 503, body: { code: 'unavailable', retryable: true } });
    expect(answer.headers.get('retry-after')).toBe('5');
    expect(await post(api, signed(postalEvent()))).toBe(503);
    expect((await fetch(`${api.url}/v1/health`)).status).toBe(503);
    expect((await fetch(`${api.health}/health/ready`)).status).toBe(503);
    expect((await fetch(`${api.health}/health/live`)).status).toBe(200);
    db.away = false;
    expect(await call(api, 'POST', '/v1/messages', { body: hello, key: other.key })).toMatchObject({
      status: 202,
    });
    expect(await post(api, signed(postalEvent()))).toBe(200);
  });

  it('says what is wrong when its port is taken, and leaves nothing running', async () => {
    const holder = createServer();
    await new Promise<void>((resolve) => holder.listen(0, '127.0.0.1', resolve));
    const address = holder.address();
    const port = typeof address === 'object' && address ? address.port : 0;
    await expect(runningApi({ API_INTERNAL_LISTEN: `127.0.0.1:${port}` })).rejects.toMatchObject({
      code: 'config-invalid',
      field: 'API_INTERNAL_LISTEN',
    });
    await new Promise((resolve) => holder.close(resolve));
  });

  it('refuses to start with a pinned key that is none', async () => {
    await expect(runningApi({ POSTAL_WEBHOOK_PUBLIC_KEY: 'no key' })).rejects.toMatchObject({
      code: 'config-invalid',
      field: 'POSTAL_WEBHOOK_PUBLIC_KEY',
    });
  });

  it('writes log lines that carry request ids and neither addresses nor tokens', async () => {
    await using api = await runningApi();
    const answer = await call(api, 'POST', '/v1/messages', { body: { ...hello, to: 'x' } });
    await post(api, signed(postalEvent()), 'a-wrong-token-of-somebody');
    await until(() => api.lines.some((line) => line.includes('"route":"/webhooks/postal/:token"')));
    const lines = api.lines.join('');
    expect(lines).toContain(String(answer.body['request_id']));
    expect(lines).not.toMatch(/ann@example\.com|a-wrong-token/);
  });
});

/** Where what comes stays until it is opened. */
function openGate() {
  let reached = false;
  let open = (): void => undefined;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  const pass = (): Promise<void> => {
    reached = true;
    return opened;
  };
  return { pass, isReached: () => reached, open: () => open() };
}

const takesNoMore = ({ url }: Pick<ApiUnderTest, 'url'>) =>
  fetch(`${url}/v1/health`).then(
    () => false,
    () => true,
  );

describe('stopping', () => {
  it('finishes the request under way, takes no new one, and writes down the last use of keys', async () => {
    await using keeper = await runningApi();
    const gate = openGate();
    const mime = {
      readAddresses: () => [],
      composeMessage: async () => {
        await gate.pass();
        return Buffer.from('From: a@b.test\r\n\r\nHello\r\n');
      },
    };
    const api = await runningApi({}, { db: keeper.db, mime });
    const { id, key } = await addKey(keeper.db, ['send']);
    const underWay = call(api, 'POST', '/v1/messages', { body: hello, key });
    await until(gate.isReached);
    const stopping = api.running.stop();
    await until(() => takesNoMore(api));
    gate.open();
    expect(await underWay).toMatchObject({ status: 202 });
    await stopping;
    expect(await countOf(keeper.db, 'messages')).toBe(1);
    expect((await findApiKey(keeper.db, id))?.lastUsedAt).toBeDefined();
    await api[Symbol.asyncDispose]();
  });

  it('answers a webhook that is being stored, and ends its connection', async () => {
    await using keeper = await runningApi();
    const gate = openGate();
    const query = async (...asked: Parameters<Database['query']>) => {
      if (asked[0].includes('into postal_webhooks')) {
        await gate.pass();
      }
      return keeper.db.query(...asked);
    };
    const api = await runningApi({}, { db: { ...keeper.db, query: query as Database['query'] } });
    const { body, headers } = signed(postalEvent());
    const underWay = fetch(`${api.url}/webhooks/postal/${webhookToken}`, { method: 'POST', headers, body });
    await until(gate.isReached);
    const stopping = api.running.stop();
    await until(() => takesNoMore(api));
    gate.open();
    const answer = await underWay;
    expect([answer.status, answer.headers.get('connection')]).toEqual([200, 'close']);
    await stopping;
    expect(await countOf(keeper.db, 'postal_webhooks')).toBe(1);
    await api[Symbol.asyncDispose]();
  });

  it('cuts off what does not finish within API_SHUTDOWN_TIMEOUT', async () => {
    let entered = false;
    const composeMessage = (): Promise<Uint8Array> => {
      entered = true;
      return new Promise(() => undefined);
    };
    const mime = { readAddresses: () => [], composeMessage };
    await using api = await runningApi({ API_SHUTDOWN_TIMEOUT: '50ms' }, { mime });
    const underWay = call(api, 'POST', '/v1/messages', { body: hello }).then(
      () => 'answered',
      () => 'cut off',
    );
    await until(() => entered);
    const started = performance.now();
    await api.running.stop();
    expect(await underWay).toBe('cut off');
    expect(performance.now() - started).toBeLessThan(3000);
  });
});

describe('the description', () => {
  it('is OpenAPI 3.1 with every operation, its two content types and its errors', async () => {
    await using api = await runningApi();
    const document = (await (await fetch(`${api.url}/v1/openapi.json`)).json()) as {
      openapi: string;
      paths: Record<string, Record<string, { requestBody?: { content: object }; responses: object }>>;
    };
    expect(document.openapi).toBe('3.1.0');
    expect(Object.keys(document.paths)).toEqual(
      expect.arrayContaining(['/v1/messages', '/v1/messages/{id}', '/v1/health']),
    );
    const send = document.paths['/v1/messages']?.['post'];
    expect(Object.keys(send?.requestBody?.content ?? {})).toEqual(['application/json', 'message/rfc822']);
    expect(Object.keys(send?.responses ?? {})).toEqual(expect.arrayContaining(['202', '4XX']));
    expect(JSON.stringify(document)).not.toContain('webhooks/postal');
  });
});
