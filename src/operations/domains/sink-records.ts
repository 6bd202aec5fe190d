import { join } from 'node:path';

import type { ConfigOf } from '../../config/environment.ts';
import { hasSink } from '../../config/profiles.ts';
import type { DnsRecord } from '../../domain/dns-record.ts';
import type { Runtime } from '../../runtime.ts';
import type { Step } from '../plan.ts';
import { lookAgainAtDns } from '../postal/apply.ts';
import { platformNames, platformRecords } from '../postal/dns-records.ts';
import { sendingRecords } from './show.ts';

/** Where the sink reads what it answers with, below the operator's folder. */
const sinkRecordsPath = 'rendered/sink/records.json';

/** The records as the sink reads them; names without a dot at their end. */
export function sinkRecords(records: readonly DnsRecord[]): string {
  return `${JSON.stringify(
    records.map(({ type, name, value }) => ({ type, name, value })),
    undefined,
    2,
  )}\n`;
}

/** What leads Postal to the name server of the sink. */
export function sinkResolver({ SINK_ADDRESS }: Pick<ConfigOf<'operator'>, 'SINK_ADDRESS'>): string {
  return `nameserver ${SINK_ADDRESS}\n`;
}

/** Gives the sink something to start with, before Postal has domains and keys to ask it for. */
export async function writeFirstSinkRecords(world: Runtime): Promise<void> {
  if ((await world.files.readOwn(join(world.dir, sinkRecordsPath))) !== undefined) return;
  const config = await world.config('operator');
  const publicKey = await world.files.readOwn(join(world.dir, 'secrets/postal-signing.pub'));
  await write(world, platformRecords(platformNames(config, publicKey)));
}

async function write({ dir, files }: Runtime, records: readonly DnsRecord[]): Promise<void> {
  await files.makeFolder(join(dir, 'rendered/sink'), 0o755);
  await files.write(join(dir, sinkRecordsPath), sinkRecords(records), 0o644);
}

/** Has the sink answer with every record of the domains that Postal has now, and Postal look at them; nothing where there is no sink. */
export async function settleSinkRecords(world: Runtime): Promise<void> {
  if (!hasSink(await world.config('operator'))) return;
  await write(world, await sendingRecords(world));
  await lookAgainAtDns(world);
}

/** The same as a step; none where there is no sink. */
export async function tellSink(world: Runtime): Promise<readonly Step[]> {
  if (!hasSink(await world.config('operator'))) return [];
  const what = 'have the sink answer for every record, and Postal look at them';
  return [{ do: 'write', what, run: settleSinkRecords }];
}
