import fc, { type Arbitrary } from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { z } from 'zod';

import { type ApiUnderTest, call, runningApi } from '../../integration/api/running-api.ts';
import { type Operation, operationsOf } from './operations.ts';
import { type JsonSchema, nearly } from './schema-values.ts';

const runs = Number(process.env['FUZZ_RUNS'] ?? 60);

let api: ApiUnderTest;
let operations: readonly Operation[] = [];
/** What there is, by the operation that is asked for it. */
let known: Readonly<Record<string, readonly string[]>> = {};
beforeAll(async () => {
  api = await runningApi({ API_RATE_LIMIT: '10000000', API_BURST_LIMIT: '10000000', LOG_LEVEL: 'error' });
  operations = await operationsOf(api.url);
  known = await seed();
});
afterAll(() => api[Symbol.asyncDispose]());

/** Makes one of everything, so that what is asked for by its id is also found. */
async function seed(): Promise<typeof known> {
  const make = async (path: string, body: object, name: string) =>
    String((await call(api, 'POST', path, { body })).body[name]);
  const hello = { from: 'news@acme.test', to: 'ann@example.com', text: 'Hello' };
  const message = await make('/v1/messages', hello, 'id');
  const sendAt = new Date(Date.now() + 86_400_000).toISOString();
  const scheduled = await make('/v1/messages', { ...hello, send_at: sendAt }, 'id');
  const endpoint = { url: 'https://ams.example.com/hook' };
  const [kept, doomed] = [
    await make('/v1/webhooks', endpoint, 'id'),
    await make('/v1/webhooks', endpoint, 'id'),
  ];
  const delivery = await make(`/v1/webhooks/${kept}/test`, {}, 'id');
  const address = await make('/v1/suppressions', { address: 'bob@example.com', reason: 'manual' }, 'address');
  return {
    'GET /v1/messages/{id}': [message, scheduled],
    'DELETE /v1/messages/{id}': [message, scheduled],
    'DELETE /v1/suppressions/{address}': [address],
    'DELETE /v1/webhooks/{id}': [doomed],
    'POST /v1/webhooks/{id}/test': [kept],
    'GET /v1/webhooks/deliveries/{id}': [delivery],
  };
}

interface Request {
  readonly path: string;
  readonly headers: Record<string, string>;
  readonly body: Uint8Array | undefined;
}

function requestsOf(operation: Operation): Arbitrary<Request> {
  const { path, parameters, method } = operation;
  const there = known[operation.name] ?? [];
  const values = Object.fromEntries(
    parameters.map(({ in: place, name, schema }) => [
      name,
      place === 'path' && there.length > 0
        ? fc.oneof(fc.constantFrom(...there), nearly(schema))
        : nearly(schema),
    ]),
  );
  const names = parameters.filter((parameter) => parameter.in === 'path').map(({ name }) => name);
  return fc
    .record({
      values: fc.record(values, { requiredKeys: names }),
      body: method === 'GET' ? fc.constant(undefined) : bodiesOf(operation),
    })
    .map(({ values, body }) => ({
      path: filled(path, parameters, values),
      headers: { ...headersOf(parameters, values), ...body?.headers },
      body: body?.octets,
    }));
}

type Values = Readonly<Record<string, unknown>>;

function filled(path: string, parameters: Operation['parameters'], values: Values): string {
  const whole = path.replaceAll(/\{(\w+)\}/g, (_, name: string) => encode(values[name]) || '-');
  const query = parameters
    .filter((parameter) => parameter.in === 'query' && values[parameter.name] !== undefined)
    .map(({ name }) => `${name}=${encode(values[name])}`);
  return query.length > 0 ? `${whole}?${query.join('&')}` : whole;
}

function encode(value: unknown): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value ?? '');
  return encodeURIComponent(Buffer.from(text).toString()).replaceAll('.', '%2E');
}

function headersOf(parameters: Operation['parameters'], values: Values): Record<string, string> {
  const given = parameters
    .filter((parameter) => parameter.in === 'header')
    .flatMap(({ name }) => {
      const value = values[name];
      return typeof value === 'string' && /^[\t -~]+$/.test(value) ? [[name, value.trim()] as const] : [];
    });
  return Object.fromEntries(given);
}

interface Body {
  readonly headers: Record<string, string>;
  readonly octets: Uint8Array;
}

const texts = fc.oneof(
  fc.string(),
  fc.constantFrom('ann@example.com,,bounce\r\n', 'From: a@b.test\r\nTo: ann@example.com\r\n\r\nHello'),
);

/** Bodies that are right but for one field: few made-up messages are right in all of them at once. */
const right: Readonly<Record<string, object>> = {
  'POST /v1/messages': { from: 'news@acme.test', to: 'ann@example.com', text: 'Hello' },
  'POST /v1/suppressions': { address: 'ann@example.com' },
  'POST /v1/webhooks': { url: 'https://ams.example.com/hook' },
};

function nearlyRight(operation: string, schema: JsonSchema): Arbitrary<unknown> {
  const body = right[operation];
  const fields = Object.entries(schema.properties ?? {});
  if (!body || fields.length === 0) return nearly(schema);
  const oneChanged = fc
    .constantFrom(...fields)
    .chain(([name, part]) => nearly(part).map((value) => ({ ...body, [name]: value })));
  return fc.oneof(nearly(schema), oneChanged);
}

function bodiesOf({ name, content }: Operation): Arbitrary<Body | undefined> {
  const kinds = Object.entries(content).map(([type, { schema }]) =>
    (type === 'application/json'
      ? nearlyRight(name, schema).map((value) => JSON.stringify(value) ?? '')
      : texts
    ).map((text) => ({ headers: { 'content-type': type }, octets: Buffer.from(text) })),
  );
  const junk = fc.record({
    headers: fc.constantFrom({ 'content-type': 'application/json' }, { 'content-type': 'text/csv' }),
    octets: fc.uint8Array({ maxLength: 200 }),
  });
  const [kind = fc.constant(undefined)] = kinds;
  return fc.oneof({ weight: 12, arbitrary: kind }, ...kinds, junk);
}

async function ask({ method }: Operation, { path, headers, body }: Request): Promise<Response> {
  return fetch(`${api.url}${path}`, {
    method,
    headers: { authorization: `Bearer ${api.key.reveal()}`, ...headers },
    ...(body && { body }),
  });
}

/** Why an answer is not as the description says; empty when it is. */
async function departure({ responses }: Operation, response: Response): Promise<string> {
  const { status } = response;
  const text = await response.text();
  const described = describedFor(responses, status);
  if (status >= 500 || !described) return `${status} ${text}`;
  const type = (response.headers.get('content-type') ?? '').replace(/;.*/, '');
  const schema = type.endsWith('json') ? described.content?.[type]?.schema : undefined;
  if (schema) return mismatch(schema, text);
  return text === '' || type === 'text/csv' ? '' : `${type} is not described: ${text}`;
}

function describedFor(responses: Operation['responses'], status: number) {
  return responses[String(status)] ?? responses[`${Math.floor(status / 100)}XX`];
}

function mismatch(schema: JsonSchema, text: string): string {
  const found = z
    .fromJSONSchema(schema as Parameters<typeof z.fromJSONSchema>[0])
    .safeParse(JSON.parse(text));
  return found.success ? '' : `${z.prettifyError(found.error)}: ${text}`;
}

it('describes every operation that there is', () => {
  expect(operations.map(({ name }) => name).toSorted()).toEqual([
    'DELETE /v1/messages/{id}',
    'DELETE /v1/suppressions/{address}',
    'DELETE /v1/webhooks/{id}',
    'GET /v1/health',
    'GET /v1/keys/self',
    'GET /v1/messages',
    'GET /v1/messages/{id}',
    'GET /v1/stats',
    'GET /v1/suppressions',
    'GET /v1/suppressions/export',
    'GET /v1/webhooks',
    'GET /v1/webhooks/deliveries',
    'GET /v1/webhooks/deliveries/{id}',
    'POST /v1/messages',
    'POST /v1/messages/batch',
    'POST /v1/suppressions',
    'POST /v1/suppressions/import',
    'POST /v1/webhooks',
    'POST /v1/webhooks/deliveries/replay',
    'POST /v1/webhooks/{id}/test',
  ]);
});

it('describes of each operation what it is asked by, and how it is answered when it does, refuses or cannot', () => {
  for (const { name, path, parameters, responses } of operations) {
    const asked = [...path.matchAll(/\{(\w+)\}/g)].map(([, parameter]) => parameter);
    const named = parameters
      .filter((parameter) => parameter.in === 'path')
      .map((parameter) => parameter.name);
    expect([name, named]).toEqual([name, asked]);
    const statuses = Object.keys(responses);
    expect([name, statuses.some((status) => /^20\d$/.test(status))]).toEqual([name, true]);
    for (const status of ['4XX', '5XX'])
      expect([name, Object.keys(responses[status]?.content ?? {})]).toEqual([
        name,
        ['application/problem+json'],
      ]);
  }
});

it('answers whatever is asked as its description says, and never fails', async () => {
  const statuses = new Map<string, number>();
  for (const operation of operations) {
    await fc.assert(
      fc.asyncProperty(requestsOf(operation), async (request) => {
        const response = await ask(operation, request);
        const seen = `${operation.name} ${response.status}`;
        statuses.set(seen, (statuses.get(seen) ?? 0) + 1);
        expect([operation.name, await departure(operation, response)]).toEqual([operation.name, '']);
      }),
      { numRuns: runs },
    );
  }
  console.log(Object.fromEntries([...statuses].toSorted()));
  const accepted = new Set(
    [...statuses.keys()].filter((seen) => / 20\d$/.test(seen)).map((seen) => seen.replace(/ \d+$/, '')),
  );
  expect(operations.map(({ name }) => name).filter((name) => !accepted.has(name))).toEqual([]);
});
