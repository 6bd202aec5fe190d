import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { type Clock, systemClock } from '../../../../src/adapters/clock.ts';
import { ownDirectory } from '../../../../src/adapters/directory-owner.ts';
import { type Disk, systemDisk } from '../../../../src/adapters/disk.ts';
import type { Log, LogFields } from '../../../../src/adapters/log.ts';
import { systemRandom } from '../../../../src/adapters/random.ts';
import { newId } from '../../../../src/domain/id.ts';
import { decodeSubmission } from '../../../../src/domain/submission-codec.ts';
import type { Submission } from '../../../../src/domain/submission.ts';
import { type Accepted, type Journal, openJournal } from '../../../../src/services/relay/journal/journal.ts';
import { lengthBytes } from '../../../../src/domain/journal-record.ts';
import { wholeOf } from '../../../../src/services/relay/octets.ts';
import { origin, type Position } from '../../../../src/domain/journal-place.ts';
import type { JournalConfig, JournalWorld } from '../../../../src/services/relay/journal/state.ts';

/** A temporary directory that goes with the test. */
export async function temporaryDirectory(): Promise<{ readonly path: string } & AsyncDisposable> {
  const path = await mkdtemp(join(tmpdir(), 'mailctl-journal-'));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

/** A configuration with small numbers. */
function journalConfig(directory: string, changes: Partial<JournalConfig> = {}): JournalConfig {
  return {
    RELAY_JOURNAL_DIR: directory,
    RELAY_JOURNAL_MAX_BYTES: 50_000_000,
    RELAY_JOURNAL_MIN_FREE: 0,
    RELAY_JOURNAL_SEGMENT_BYTES: 4_000,
    RELAY_JOURNAL_KEEP: 3_600_000,
    RELAY_JOURNAL_KEEP_BYTES: 50_000_000,
    RELAY_JOURNAL_UPKEEP_INTERVAL: 20,
    RELAY_JOURNAL_OWNER_TIMEOUT: 10_000,
    ...changes,
  };
}

export interface Line {
  readonly level: string;
  readonly msg: string;
  readonly fields: LogFields;
}

/** A log whose lines can be looked at. */
export function listeningLog(): { readonly log: Log; readonly lines: Line[] } {
  const lines: Line[] = [];
  const at =
    (level: string) =>
    (msg: string, fields: LogFields = {}) => {
      lines.push({ level, msg, fields });
    };
  const log: Log = {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    with: () => log,
  };
  return { log, lines };
}

function journalWorld(log: Log, changes: Partial<JournalWorld> = {}): JournalWorld {
  return { disk: systemDisk, clock: systemClock, random: systemRandom, log, own: ownDirectory, ...changes };
}

/** A clock whose date is moved by hand; waiting is real. */
export function datedClock(start: Date): { readonly clock: Clock; move(ms: number): void } {
  let now = start.getTime();
  return {
    clock: { ...systemClock, now: () => new Date(now) },
    move: (ms) => {
      now += ms;
    },
  };
}

/** A submission that tells itself apart by its number. */
export function submission(number: number, bytes = 100): Submission {
  const receivedAt = new Date(1_800_000_000_000 + number);
  return {
    id: newId('msg', receivedAt, systemRandom.bytes(10)),
    receivedAt,
    source: 'smtp',
    credentialId: 'usr_1',
    envelope: { mailFrom: 'ams@example.com', rcptTo: [`r${number}@example.org`] },
    client: { name: 'ams.example.com', address: '192.0.2.1' },
    raw: Buffer.alloc(bytes, `Subject: ${number}\r\n\r\n${number} `),
  };
}

/** The same message, as it comes from a spill file: its pieces share their memory. */
export function streamed(one: Submission, pieceBytes = 100_000): Accepted {
  const buffer = Buffer.alloc(pieceBytes);
  const rest = async function* () {
    for (let at = 3; at < one.raw.length; at += buffer.length) {
      const from = one.raw.subarray(at, at + buffer.length);
      buffer.set(from);
      yield buffer.subarray(0, from.length);
    }
  };
  return { ...one, raw: { length: one.raw.length, beginning: one.raw.subarray(0, 3), rest } };
}

/** Everything that can be read from a position on, and how often it had to be asked for. */
export async function readAll(journal: Journal, from: Position = origin) {
  const payloads: Buffer[] = [];
  let next = from;
  for (;;) {
    const batch = await journal.read(next, { records: 7, bytes: 1_500 });
    for (const { frame } of batch.records) payloads.push((await wholeOf(frame)).subarray(lengthBytes));
    next = batch.next;
    if (batch.records.length === 0) return { payloads, next };
  }
}

/** The ids of everything that can be read. */
export async function readIds(journal: Journal, from: Position = origin): Promise<readonly string[]> {
  const { payloads } = await readAll(journal, from);
  return payloads.map((payload) => {
    const decoded = decodeSubmission(payload);
    return decoded.ok ? decoded.submission.id : `undecodable: ${decoded.reason}`;
  });
}

export interface OpenOptions {
  readonly config?: Partial<JournalConfig>;
  readonly disk?: Disk;
  readonly clock?: Clock;
}

/** A journal in a directory, closed with the test, and what it logged. */
export async function openTestJournal(directory: string, options: OpenOptions = {}) {
  const { log, lines } = listeningLog();
  const { config = {}, ...world } = options;
  const journal = await openJournal(journalConfig(directory, config), journalWorld(log, world));
  return { journal, lines, [Symbol.asyncDispose]: () => journal.close() };
}

/** Waits for a condition, at most five seconds. */
export async function until(what: string, isTrue: () => boolean | Promise<boolean>): Promise<void> {
  const end = performance.now() + 5_000;
  while (!(await isTrue())) {
    if (performance.now() > end) throw new Error(`it did not come true: ${what}`);
    await systemClock.sleep(5);
  }
}

/** A directory whose journal holds these submissions set aside, as a relay leaves it whose api refused them. */
export async function setAllAside(
  directory: string,
  refused: readonly Submission[],
  reason: string,
): Promise<void> {
  await using relay = await openTestJournal(directory);
  for (const one of refused) await relay.journal.append(one);
  const { records } = await relay.journal.read(origin, { records: refused.length, bytes: 10_000 });
  for (const record of records) await relay.journal.setAside(record, reason);
}
