// A relay without SMTP: appends under load and ships until it is killed. Each id is written to the ledger only after it was stored,
// as a client would learn it from a 250. On SIGTERM it appends no more, ships the rest and ends.
import { createHash } from 'node:crypto';
import { openSync, writeSync } from 'node:fs';

import { systemClock } from '../../src/adapters/clock.ts';
import { ownDirectory } from '../../src/adapters/directory-owner.ts';
import { systemDisk } from '../../src/adapters/disk.ts';
import { openHttp } from '../../src/adapters/http.ts';
import { openLog } from '../../src/adapters/log.ts';
import { systemRandom } from '../../src/adapters/random.ts';
import { newId } from '../../src/domain/id.ts';
import { Secret } from '../../src/domain/secret.ts';
import type { Submission } from '../../src/domain/submission.ts';
import { openJournal } from '../../src/services/relay/journal/journal.ts';
import { startShipper } from '../../src/services/relay/shipper/shipper.ts';

const [directory = '', ledger = '', url = '', lanes = '20'] = process.argv.slice(2);
const log = openLog('relay', 'warn', process.stderr);
const journal = await openJournal(
  {
    RELAY_JOURNAL_DIR: directory,
    RELAY_JOURNAL_MAX_BYTES: 1_000_000_000,
    RELAY_JOURNAL_MIN_FREE: 0,
    RELAY_JOURNAL_SEGMENT_BYTES: 1_000_000,
    RELAY_JOURNAL_KEEP: 1_000,
    RELAY_JOURNAL_KEEP_BYTES: 10_000_000,
    RELAY_JOURNAL_UPKEEP_INTERVAL: 50,
    RELAY_JOURNAL_OWNER_TIMEOUT: 10_000,
  },
  { disk: systemDisk, clock: systemClock, random: systemRandom, log, own: ownDirectory },
);
const http = openHttp({
  connections: 4,
  connectTimeoutMs: 1_000,
  mostAnswerBytes: 1_000_000,
  keepAlive: true,
});
const shipper = startShipper(
  {
    API_INTERNAL_URL: url,
    API_INTERNAL_TOKEN: new Secret('token'),
    RELAY_SHUTDOWN_TIMEOUT: 10_000,
    RELAY_SHIP_RECORDS: 64,
    // So that the largest messages are handed over in pieces.
    RELAY_SHIP_BYTES: 90_000,
    RELAY_SHIP_CONCURRENCY: 2,
    RELAY_SHIP_GATHER: 5,
    RELAY_SHIP_TIMEOUT: 1_000,
    RELAY_SHIP_PROBE_TIMEOUT: 500,
    RELAY_SHIP_FAILURES: 3,
    RELAY_SHIP_RETRY_DELAY: 10,
    RELAY_SHIP_OPEN_TIME: 20,
    RELAY_SHIP_OPEN_MAX: 100,
    RELAY_SHIP_REFUSED_DELAY: 50,
  },
  {
    journal,
    http,
    clock: systemClock,
    random: systemRandom,
    log,
  },
);

const told = openSync(ledger, 'a');
const stopping = new AbortController();
process.once('SIGTERM', () => stopping.abort());
process.stdout.write('{}\n');
await Promise.all(Array.from({ length: Number(lanes) }, lane));
while ((await journal.backlog()).records > 0) await systemClock.sleep(10);
await shipper.stop();
await journal.close();
await http[Symbol.asyncDispose]();

async function lane(): Promise<void> {
  while (!stopping.signal.aborted) {
    const one = message();
    const { kind } = await journal.append(one);
    if (kind !== 'stored') throw new Error(`the journal said ${kind}`);
    writeSync(told, `${one.id}\n`);
  }
}

/** Its credential is the digest of its octets, so that whoever receives it can tell whether they are whole. */
function message(): Submission {
  const size = systemRandom.fraction() < 0.02 ? 100_000 : Math.floor(systemRandom.fraction() * 5_000);
  const raw = Buffer.from(systemRandom.bytes(size));
  const receivedAt = systemClock.now();
  return {
    id: newId('msg', receivedAt, systemRandom.bytes(10)),
    receivedAt,
    source: 'smtp',
    credentialId: createHash('sha256').update(raw).digest('hex'),
    envelope: { mailFrom: 'a@example.com', rcptTo: ['b@example.org'] },
    client: { name: 'client.example.com', address: '192.0.2.1' },
    raw,
  };
}
