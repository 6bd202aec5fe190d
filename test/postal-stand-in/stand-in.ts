import { generateKeyPairSync } from 'node:crypto';

import { systemClock } from '../../src/adapters/clock.ts';
import { silentLog } from '../../src/adapters/log.ts';
import { systemRandom } from '../../src/adapters/random.ts';
import { Secret } from '../../src/domain/secret.ts';
import type { PostalOptions, PostalWorld } from '../../src/postal-stand-in/options.ts';
import { type PostalStandIn, startPostalStandIn } from '../../src/postal-stand-in/start.ts';
import { type Answered, ask, askSurely } from './http-client.ts';

/** One key for every stand-in of a test run: making one takes longer than most tests. */
const { privateKey } = generateKeyPairSync('rsa', {
  modulusLength: 2048,
  privateKeyEncoding: { type: 'pkcs1', format: 'pem' },
  publicKeyEncoding: { type: 'pkcs1', format: 'pem' },
});
const key = new Secret(privateKey);

export const webHostname = 'postal.example.test';
export const apiKey = 'ILhJDVFXjMGU6bzl1mIo2lCL';

export interface TestPostal extends AsyncDisposable {
  readonly postal: PostalStandIn;
  sendRaw(rcptTo: readonly string[], change?: RawMail): Promise<Answered | 'dropped'>;
  /** Sends and answers the id and token of the only recipient. */
  sendOne(rcptTo: string, change?: RawMail): Promise<{ id: number; token: string }>;
  call(path: string, params: unknown): Promise<Answered>;
  control<Answer>(path: string, body?: unknown): Promise<Answer>;
}

export interface RawMail {
  readonly mailFrom?: string;
  readonly message?: string | Buffer;
  readonly giveUpAfterMs?: number;
}

/** A message with a link in its html. */
export function htmlMail(
  fields: readonly string[] = [],
  body = '<html><body><p>Hi</p></body></html>',
): string {
  return [
    'From: Acme <news@acme.test>',
    'To: bob@b.rcpt.test',
    'Subject: Hello',
    'Message-ID: <m1@acme.test>',
    'Date: Mon, 23 Nov 2026 08:00:00 +0000',
    'MIME-Version: 1.0',
    'Content-Type: text/html; charset=utf-8',
    ...fields,
    '',
    body,
    '',
  ].join('\r\n');
}

/** A stand-in on a free port, stopped at the end of the scope. */
export async function startTestPostal(
  options: Partial<PostalOptions> = {},
  world: Partial<PostalWorld> = {},
): Promise<TestPostal> {
  const postal = await startPostalStandIn(
    {
      listen: { host: '127.0.0.1', port: 0 },
      webHostname,
      apiKeys: [new Secret(apiKey)],
      domains: ['acme.test'],
      signingKey: key,
      dkim: { key },
      ...options,
    },
    { clock: systemClock, random: systemRandom, log: silentLog, ...world },
  );
  return { postal, ...clientOf(postal.url), [Symbol.asyncDispose]: () => postal.stop() };
}

function clientOf(url: string) {
  const headers = { host: webHostname, 'content-type': 'application/json', 'x-server-api-key': apiKey };
  const sendRaw: TestPostal['sendRaw'] = (rcptTo, change = {}) => {
    const data = Buffer.from(change.message ?? htmlMail()).toString('base64');
    const body = JSON.stringify({ rcpt_to: rcptTo, mail_from: change.mailFrom ?? 'key@acme.test', data });
    const patience = change.giveUpAfterMs === undefined ? {} : { giveUpAfterMs: change.giveUpAfterMs };
    return ask(url, { method: 'POST', path: '/api/v1/send/raw', headers, body, ...patience });
  };
  return {
    sendRaw,
    sendOne: async (rcptTo: string, change: RawMail = {}) => {
      const answer = await sendRaw([rcptTo], change);
      if (answer === 'dropped') throw new Error('dropped');
      return JSON.parse(answer.text).data.messages[rcptTo];
    },
    call: (path: string, params: unknown) =>
      askSurely(url, { method: 'POST', path: `/api/v1/${path}`, headers, body: JSON.stringify(params) }),
    control: async (path: string, body?: unknown) => {
      const post = {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      };
      const answer = await askSurely(url, {
        path: `/_stand-in/${path}`,
        ...(body === undefined ? {} : post),
      });
      return JSON.parse(answer.text);
    },
  };
}
