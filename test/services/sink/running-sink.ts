import { Writable } from 'node:stream';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { systemClock } from '../../../src/adapters/clock.ts';
import { openLog } from '../../../src/adapters/log.ts';
import { loadConfig } from '../../../src/config/load.ts';
import { startSink } from '../../../src/services/sink/start.ts';
import { sourcesOf } from '../../config/valid-sources.ts';

/** A sink on free ports of the loopback. */
export interface TestSink extends AsyncDisposable {
  readonly smtp: number;
  readonly dns: number;
  readonly mailbox: string;
  readonly health: string;
  writeRecords(records: unknown): Promise<void>;
}

/** Starts one with these DNS records. */
export async function runningSink(
  records: unknown,
  variables: Readonly<Record<string, string>> = {},
): Promise<TestSink> {
  const folder = await mkdtemp(join(tmpdir(), 'sink-'));
  const file = join(folder, 'records.json');
  const writeRecords = (next: unknown) =>
    writeFile(file, typeof next === 'string' ? next : JSON.stringify(next));
  await writeRecords(records);
  const anywhere = '127.0.0.1:0';
  const config = loadConfig(
    'sink',
    sourcesOf({
      SINK_SMTP_LISTEN: anywhere,
      SINK_DNS_LISTEN: anywhere,
      SINK_HTTP_LISTEN: anywhere,
      SINK_HEALTH_LISTEN: anywhere,
      SINK_RECORDS_FILE: file,
      SINK_ADDRESS: '127.0.0.1',
      ...variables,
    }),
  );
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() });
  const running = await startSink(config, { clock: systemClock, log: openLog('sink', 'error', silent) });
  const port = (name: string) => running.addresses[name]?.port ?? 0;
  return {
    smtp: port('smtp'),
    dns: port('dns'),
    mailbox: `http://127.0.0.1:${port('mailbox')}`,
    health: `http://127.0.0.1:${port('health')}`,
    writeRecords,
    [Symbol.asyncDispose]: async () => {
      await running.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
