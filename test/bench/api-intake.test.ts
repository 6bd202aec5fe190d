import { randomBytes } from 'node:crypto';
import { Agent, createServer, request } from 'node:http';

import { expect, it } from 'vitest';

import { readFrames } from '../../src/services/api/frames.ts';
import { encodeSubmission } from '../../src/domain/submission-codec.ts';
import { type ApiUnderTest, countOf, internalToken, runningApi } from '../integration/api/running-api.ts';
import type { Signed } from '../integration/api/signed-webhook.ts';
import { submission } from '../store/submissions.ts';
import { median, report, toy } from './report.ts';

const batches = toy ? 2 : 30;
/** As many as the relay hands over in one request. */
const batchSize = 256;
const rounds = toy ? 1 : 3;

/** Sends all bodies over `connections` kept connections; gives the milliseconds of each. */
async function sendAll(
  bodies: readonly Signed[],
  { url, connections }: { url: string; connections: number },
): Promise<readonly number[]> {
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  const waiting = [...bodies];
  const times: number[] = [];
  const lane = async (): Promise<void> => {
    for (let next = waiting.pop(); next; next = waiting.pop()) times.push(await sendOne(next, url, agent));
  };
  await Promise.all(Array.from({ length: connections }, lane));
  agent.destroy();
  return times;
}

function sendOne({ body, headers }: Signed, url: string, agent: Agent): Promise<number> {
  const start = performance.now();
  return new Promise((resolve, reject) => {
    const sent = request(url, { method: 'POST', agent, headers }, (response) => {
      response.resume().on('end', () => {
        if (response.statusCode === 200) resolve(performance.now() - start);
        else reject(new Error(`answered ${response.statusCode}`));
      });
    });
    sent.on('error', reject).end(body);
  });
}

/** A message of about 5 KB, whose text is no more the same over and over than that of real mail: a database would store it as nothing. */
function realistic(): Buffer {
  const text = randomBytes(3540)
    .toString('base64')
    .replaceAll(/.{72}/g, (line) => `${line}\r\n`);
  return Buffer.from(`From: a@b.test\r\nSubject: Hi\r\n\r\n${text}\r\n`);
}

/** One batch as the relay frames them; each message has a Message-ID of its own, as most mail has. */
function relayBatch(): Buffer {
  return Buffer.concat(
    Array.from({ length: batchSize }, () => {
      const dedupe = { key: `<${randomBytes(16).toString('hex')}@acme.test>`, digest: randomBytes(32) };
      const octets = encodeSubmission(submission({ raw: realistic(), dedupe }));
      const length = Buffer.alloc(4);
      length.writeUInt32BE(octets.length);
      return Buffer.concat([length, octets]);
    }),
  );
}

async function shipTo(url: string, all: readonly Buffer[]): Promise<number> {
  const headers = {
    authorization: `Bearer ${internalToken}`,
    'content-type': 'application/vnd.mailctl.submissions',
  };
  const start = performance.now();
  await sendAll(
    all.map((body) => ({ body, headers })),
    { url, connections: 2 },
  );
  return (all.length * batchSize) / ((performance.now() - start) / 1000);
}

/** The bare prototype: the same batches over HTTP into one table, a multi-row statement each, and nothing else. */
async function shipBare(api: ApiUnderTest, all: readonly Buffer[]): Promise<number> {
  await api.db.query('create table bare (id text primary key, raw bytea not null)');
  const server = createServer((asked, answer) => {
    const pieces: Buffer[] = [];
    asked.on('data', (piece: Buffer) => pieces.push(piece));
    asked.on('end', () => {
      insertBare(api, Buffer.concat(pieces)).then(
        () => answer.end('{}'),
        () => answer.writeHead(500).end(),
      );
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  const rate = await shipTo(`http://127.0.0.1:${port}/`, all);
  await new Promise((resolve) => server.close(resolve));
  return rate;
}

async function insertBare(api: ApiUnderTest, body: Buffer): Promise<void> {
  const rows = readFrames(body).map((frame) => [Buffer.from(frame.subarray(12, 42)).toString('hex'), frame]);
  const places = rows.map((_, row) => `($${2 * row + 1}, $${2 * row + 2})`).join(',');
  await api.db.query(`insert into bare values ${places}`, rows.flat());
}

const batchesOf = () => Array.from({ length: batches }, relayBatch);

it('takes the batches of the relay, against a bare server that inserts the same octets into one table', async () => {
  const [ours, bare]: [number[], number[]] = [[], []];
  for (let round = 0; round < rounds; round += 1) {
    await using api = await runningApi({ LOG_LEVEL: 'warn' });
    const [warming, all] = [batchesOf(), batchesOf()];
    await shipTo(`${api.internal}/internal/v1/submissions`, warming);
    ours.push(await shipTo(`${api.internal}/internal/v1/submissions`, all));
    expect(await countOf(api.db, 'messages')).toBe(2 * batches * batchSize);
    bare.push(await shipBare(api, all));
  }
  report('relay-intake', [
    {
      messages: batches * batchSize,
      per_second: Math.round(median(ours)),
      bare_per_second: Math.round(median(bare)),
      ratio: (median(ours) / median(bare)).toFixed(2),
    },
  ]);
});
