import { z } from 'zod';

import { composeApiKey } from '../../../domain/api-key.ts';
import { newId } from '../../../domain/id.ts';
import { Secret } from '../../../domain/secret.ts';
import { type Check, fail, observe, pass, type Probe, waitFor } from '../check.ts';
import { apiHealth } from '../look.ts';

const accepted = z.object({ id: z.string() });
const status = z.object({ state: z.string(), events: z.array(z.object({ type: z.string() })) });

/** The same by the HTTP api. */
export const httpApi: readonly Check[] = [
  {
    id: 'http.reachable',
    hop: 'http-api',
    expected: 'GET /v1/health at API_URL is answered 200',
    look: apiHealth,
    needs: [],
    run: async (probe) => {
      const { code, seen } = await callApi(probe, { path: '/v1/health' });
      return observe(code === 200, seen);
    },
  },
  {
    id: 'http.accepted',
    hop: 'http-api',
    expected: 'POST /v1/messages is answered 202 with an id',
    look: apiHealth,
    needs: ['http.reachable'],
    run: async (probe) => {
      const { code, body, seen } = await callApi(probe, post(probe, 'once'));
      const message = accepted.safeParse(body);
      if (code !== 202 || !message.success) return fail(seen);
      probe.found.httpMessageId = message.data.id;
      return pass(`${code}, ${message.data.id}`);
    },
  },
  {
    id: 'http.idempotent',
    hop: 'http-api',
    expected: 'the same Idempotency-Key gives the same id; with another body it gives 409',
    look: apiHealth,
    needs: ['http.accepted'],
    run: async (probe) => {
      const again = await callApi(probe, post(probe, 'once'));
      const id = accepted.safeParse(again.body).data?.id;
      if (id !== probe.found.httpMessageId) return fail(`a second message: ${again.seen}`);
      const other = await callApi(probe, post(probe, 'another body'));
      return observe(other.code === 409, `${id} again; another body: ${other.seen}`);
    },
  },
  {
    id: 'http.delivered',
    hop: 'http-api',
    expected: 'GET /v1/messages/ID says delivered, with its timeline',
    look: apiHealth,
    needs: ['http.accepted'],
    run: async (probe) => {
      const path = `/v1/messages/${probe.found.httpMessageId}`;
      const read = async () => status.safeParse((await callApi(probe, { path })).body).data;
      const done = await waitFor(probe, async () => {
        const message = await read();
        return message?.state === 'delivered' ? message : undefined;
      });
      if (!done) return fail(`state ${(await read())?.state ?? 'unknown'}`);
      return pass(done.events.map(({ type }) => type).join(', '));
    },
  },
  {
    id: 'http.wrong-key',
    hop: 'http-api',
    expected: 'a wrong API key is answered 401',
    look: apiHealth,
    needs: ['http.reachable'],
    run: async (probe) => {
      const id = newId('mk', probe.clock.now(), probe.random.bytes(10));
      const wrong = composeApiKey(id, new Secret(probe.random.letters(52)));
      const { code, seen } = await callApi(probe, { path: '/v1/messages', key: wrong.reveal() });
      return observe(code === 401, seen);
    },
  },
  {
    id: 'http.expired-key',
    hop: 'http-api',
    expected: 'an expired API key is answered 401, and told apart from a wrong one',
    look: apiHealth,
    needs: ['http.reachable'],
    run: async (probe) => {
      const { code, seen } = await callApi(probe, {
        path: '/v1/messages',
        key: probe.expiredApiKey.reveal(),
      });
      return observe(code === 401 && seen.includes('expired'), seen);
    },
  },
];

interface Call {
  readonly path: string;
  readonly key?: string;
  readonly idempotencyKey?: string;
  readonly body?: object;
}

function post(probe: Probe, text: string): Call {
  const body = {
    from: probe.sender,
    to: probe.recipient,
    subject: `mailctl e2e ${probe.runId} over HTTP`,
    text,
    tag: 'e2e',
  };
  return { path: '/v1/messages', idempotencyKey: probe.runId, body };
}

interface Answer {
  readonly code: number;
  readonly body: unknown;
  readonly seen: string;
}

async function callApi(
  { http, config, apiKey }: Probe,
  { path, key, idempotencyKey, body }: Call,
): Promise<Answer> {
  const end = await http.exchange({
    method: body ? 'POST' : 'GET',
    url: `${config.API_URL}${path}`,
    headers: {
      authorization: `Bearer ${key ?? apiKey.reveal()}`,
      ...(body && { 'content-type': 'application/json' }),
      ...(idempotencyKey !== undefined && { 'idempotency-key': idempotencyKey }),
    },
    ...(body && { body: JSON.stringify(body) }),
    withinMs: config.E2E_TIMEOUT,
  });
  if (end.end !== 'answered')
    return { code: 0, body: undefined, seen: `no answer from ${config.API_URL}: ${end.why}` };
  const text = end.body.toString('utf8');
  return { code: end.status, body: parsed(text), seen: `${end.status} ${text.slice(0, 200)}` };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
