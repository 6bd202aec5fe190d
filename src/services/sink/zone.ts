import { readFile, stat } from 'node:fs/promises';

import { z } from 'zod';

import type { Log } from '../../adapters/log.ts';
import { OperatorError } from '../../domain/failure.ts';
import type { DnsAnswer, DnsQuestion } from './dns-message.ts';

const recordsShape = z.array(
  z.object({ type: z.enum(['A', 'AAAA', 'MX', 'TXT', 'CNAME', 'PTR']), name: z.string(), value: z.string() }),
);

type ZoneRecord = z.infer<typeof recordsShape>[number];

/** The host that takes everybody's mail; a name that nobody can have (RFC 6761). */
const mailHost = 'sink.invalid';

const mostAliases = 8;

/**
 * What a question is answered with: TXT, CNAME and MX exactly as the records say, and for every name without an MX of its own the sink's.
 * Every address is the sink's, also where a record names another: so nothing that follows DNS leaves the host.
 */
export function answerFrom(
  records: readonly ZoneRecord[],
  address: string,
  { name, type }: DnsQuestion,
): readonly DnsAnswer[] {
  if (type === undefined) return [];
  const answers: DnsAnswer[] = [];
  let owner = name;
  for (let hop = 0; hop < mostAliases; hop += 1) {
    const alias = records.find((record) => record.type === 'CNAME' && record.name.toLowerCase() === owner);
    if (!alias || type === 'CNAME') break;
    answers.push({ name: owner, type: 'CNAME', value: alias.value });
    owner = alias.value.toLowerCase();
  }
  return [...answers, ...own(records, address, { name: owner, type })];
}

function own(
  records: readonly ZoneRecord[],
  address: string,
  { name, type }: { readonly name: string; readonly type: NonNullable<DnsQuestion['type']> },
): readonly DnsAnswer[] {
  if (name === '') return [];
  if (type === 'A') return [{ name, type, value: address }];
  if (type === 'NS') return [{ name, type, value: mailHost }];
  const found = records.filter((record) => record.type === type && record.name.toLowerCase() === name);
  if (found.length > 0 && type !== 'AAAA') return found.map(({ value }) => ({ name, type, value }));
  return type === 'MX' ? [{ name, type, value: `10 ${mailHost}` }] : [];
}

/**
 * The records of a file, read again when it changes; one that cannot be read then leaves what was read before. Fails with
 * `config-invalid` where it cannot be read at first: a sink without records would make Postal distrust every domain.
 */
export async function openRecords(path: string, log: Log): Promise<() => Promise<readonly ZoneRecord[]>> {
  let known = { stamp: await stampOf(path), records: await readRecords(path).catch(refuse(path)) };
  return async () => {
    const stamp = await stampOf(path);
    if (stamp === known.stamp) return known.records;
    const records = await readRecords(path).catch((error: unknown) => {
      log.warn('the DNS records cannot be read; those read before are still answered', { error });
      return known.records;
    });
    known = { stamp, records };
    return records;
  };
}

function refuse(path: string): (cause: unknown) => never {
  return (cause) => {
    throw new OperatorError('config-invalid', `${path} is no list of DNS records that can be read`, {
      hint: 'mailctl up writes it; set SINK_RECORDS_FILE to JSON of type, name and value',
      field: 'SINK_RECORDS_FILE',
      cause,
    });
  };
}

async function stampOf(path: string): Promise<string> {
  const found = await stat(path).catch(() => undefined);
  return found ? `${found.ino} ${found.size} ${found.mtimeMs}` : 'none';
}

async function readRecords(path: string): Promise<readonly ZoneRecord[]> {
  return recordsShape.parse(JSON.parse(await readFile(path, 'utf8')));
}
