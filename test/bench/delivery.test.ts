import { expect, it } from 'vitest';

import { openHttp } from '../../src/adapters/http.ts';
import { postalClient } from '../../src/adapters/postal.ts';
import { requirePostalKey } from '../../src/domain/postal-credential.ts';
import { measuredPace } from '../../src/postal-stand-in/options.ts';
import { pauseSending, resumeSending } from '../../src/store/sending.ts';
import { openRig, type Rig } from '../integration/worker/rig.ts';
import { until } from '../store/until.ts';
import { report, toy } from './report.ts';

const messages = toy ? 50 : 500;
const connections = 8;
const least = 0.95;

/** Messages a second that a client gets into Postal which does nothing else. */
async function direct(rig: Rig): Promise<number> {
  const config = rig.config();
  await using http = openHttp({
    connections,
    connectTimeoutMs: 1000,
    mostAnswerBytes: 100_000,
    keepAlive: false,
  });
  const postal = postalClient(http, {
    url: config.POSTAL_URL,
    hostname: config.POSTAL_HOSTNAME,
    apiKey: () => requirePostalKey(config),
    timeoutMs: config.POSTAL_TIMEOUT,
  });
  const raw = Buffer.from(
    'From: <news@acme.test>\r\nTo: <ann@example.test>\r\nSubject: Hello\r\n\r\nHello\r\n',
  );
  let left = messages;
  const start = performance.now();
  const send = async (): Promise<void> => {
    while (left > 0) {
      left -= 1;
      await postal.send({
        mailFrom: 'key@mail.acme.test',
        rcptTo: ['ann@example.test'],
        raw,
        isBounce: false,
      });
    }
  };
  await Promise.all(Array.from({ length: connections }, send));
  return (messages / (performance.now() - start)) * 1000;
}

/** Messages a second that the worker gets into Postal out of a full queue, with everything it writes down. */
async function throughWorker(rig: Rig): Promise<number> {
  await pauseSending(rig.db, { reason: 'until the queue is full' });
  for (let number = 0; number < messages; number += 1) await rig.submit();
  await rig.work({ POSTAL_CONCURRENCY: String(connections), WORKER_POLL_INTERVAL: '250ms' });
  await resumeSending(rig.db);
  const start = performance.now();
  await until(
    () => rig.db.query('select id from messages where next_attempt_at is not null limit 1'),
    (rows) => rows.length === 0,
    600_000,
  );
  return (messages / (performance.now() - start)) * 1000;
}

it(`costs Postal nothing: at least ${least} of what a direct client gets into it`, async () => {
  await using rig = await openRig({ pace: measuredPace });
  const client = await direct(rig);
  const before = process.cpuUsage();
  const worker = await throughWorker(rig);
  const { user, system } = process.cpuUsage(before);
  const ratio = worker / client;
  report('delivery', [
    { way: 'direct client', messages_per_second: Number(client.toFixed(1)), ratio: 1 },
    {
      way: 'worker',
      messages_per_second: Number(worker.toFixed(1)),
      ratio: Number(ratio.toFixed(3)),
      cpu_ms_per_message: Number(((user + system) / 1000 / messages).toFixed(2)),
    },
  ]);
  expect(ratio).toBeGreaterThanOrEqual(toy ? 0 : least);
});
