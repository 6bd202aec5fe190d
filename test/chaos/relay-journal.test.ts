import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';

import { expect, it } from 'vitest';

import { systemClock } from '../../src/adapters/clock.ts';
import { startProgram } from '../programs/program.ts';
import { temporaryDirectory } from '../services/relay/journal/fixture.ts';
import { type Behaviour, type StandInApi, startStandInApi } from '../services/relay/shipper/stand-in-api.ts';

const wanted = 20_000;
const leastKills = 12;
const lanes = 20;

async function readLedger(path: string): Promise<readonly string[]> {
  if (!existsSync(path)) return [];
  return (await readFile(path, 'utf8')).split('\n').filter((line) => line !== '');
}

const lineBytes = 31;

async function sizeOf(path: string): Promise<number> {
  return existsSync(path) ? (await stat(path)).size : 0;
}

/** Most answers come; some are lost after the api stored the batch, some requests fail, some are never answered. */
function misbehave(): Behaviour {
  const luck = Math.random();
  if (luck < 0.05) return 'swallow';
  if (luck < 0.08) return 500;
  return luck < 0.085 ? 'hang' : 'judge';
}

async function killUntilEnough(directory: string, ledger: string, api: StandInApi): Promise<number> {
  let kills = 0;
  while (kills < leastKills || (await readLedger(ledger)).length < wanted) {
    await using relay = await startProgram('journal-relay.ts', {
      args: [directory, ledger, api.url, String(lanes)],
    });
    const enough = (await sizeOf(ledger)) + Math.random() * 3_500 * lineBytes;
    while ((await sizeOf(ledger)) < enough) await systemClock.sleep(2);
    relay.kill('SIGKILL');
    await relay.ended;
    kills += 1;
  }
  return kills;
}

it('a relay that is killed again and again loses nothing it acknowledged and stores nothing twice', async () => {
  await using directory = await temporaryDirectory();
  await using api = await startStandInApi();
  const journal = join(directory.path, 'journal');
  const ledger = join(directory.path, 'ledger');
  const broken: string[] = [];
  api.behave = misbehave;
  api.inspect = ({ id, credentialId, raw }) => {
    if (createHash('sha256').update(raw).digest('hex') !== credentialId) broken.push(id);
  };
  const kills = await killUntilEnough(journal, ledger, api);
  api.behave = () => 'judge';
  await using last = await startProgram('journal-relay.ts', { args: [journal, ledger, api.url, '1'] });
  last.kill('SIGTERM');
  expect(await last.ended).toBe(0);

  const acknowledged = await readLedger(ledger);
  const lost = acknowledged.filter((id) => !api.stored.has(id));
  const shippedAgain = [...api.stored.values()].filter((times) => times > 1).length;
  const unacknowledged = api.stored.size - new Set(acknowledged).size;
  console.table({
    acknowledged: acknowledged.length,
    kills,
    lost: lost.length,
    shippedAgain,
    unacknowledged,
  });
  expect(lost).toEqual([]);
  expect(broken).toEqual([]);
  expect(acknowledged.length).toBeGreaterThanOrEqual(wanted);
  expect(unacknowledged).toBeLessThanOrEqual(kills * lanes);
  expect(shippedAgain).toBeGreaterThan(0);
  expect(await readdir(join(journal, 'damaged'))).toEqual([]);
  expect(await readdir(join(journal, 'refused'))).toEqual([]);
});
