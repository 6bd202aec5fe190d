import { afterAll, beforeAll, expect, it } from 'vitest';

import { until } from '../../store/until.ts';
import { type Ams, openAms } from '../keys/load.ts';
import { submitTo, welcome } from '../keys/one-message.ts';
import { type RunningPlatform, runningPlatform } from '../keys/running-platform.ts';

const patienceMs = 60_000;

let ams: Ams;
let platform: RunningPlatform;
beforeAll(async () => {
  ams = await openAms();
  platform = await runningPlatform(ams.hook);
});
afterAll(async () => {
  await platform[Symbol.asyncDispose]();
  await ams[Symbol.asyncDispose]();
});

const submit = async (...names: readonly string[]) => {
  for (const name of names) expect(await submitTo(platform, `${name}@example.net`)).toEqual(welcome);
};

/** Recipients that PostgreSQL knows, with their states. */
async function states(): Promise<Readonly<Record<string, string>>> {
  const rows = await platform.db.query<{ address: string; state: string }>(
    'select address, state from recipients',
  );
  return Object.fromEntries(rows.map(({ address, state }) => [address.split('@')[0], state]));
}

const untilStates = (holds: (seen: Readonly<Record<string, string>>) => boolean) =>
  until(states, holds, patienceMs);

/** How many messages Postal ever had for each recipient. */
async function copiesAtPostal(): Promise<Readonly<Record<string, number>>> {
  const rows = await platform.postalStores.run(
    `select rcpt_to, count(*) as copies from \`${platform.postalStores.messages}\`.messages where scope = 'outgoing' group by 1`,
  );
  return Object.fromEntries(rows.map((row) => [String(row['rcpt_to']).split('@')[0], Number(row['copies'])]));
}

const confirmed = ['--confirm', 'example.com'];

it('a relay that runs brings mail back that was acknowledged after the dump, and nothing of it goes out twice', async () => {
  await submit('before');
  await untilStates(({ before }) => before === 'delivered');
  const { data: run } = await platform.mailctl('backup', 'run', '--only', 'postgres');
  const { id } = run.set;
  await submit('sent', 'sent-too');
  await untilStates((seen) => seen['sent'] === 'delivered' && seen['sent-too'] === 'delivered');
  await platform.stop('worker');
  await submit('unsent');
  await untilStates(({ unsent }) => unsent === 'queued');
  await platform.stop('api');
  await submit('while-away');

  // The connections of this test are traffic, too, until its pool lets them go.
  const restore = () => platform.mailctl('backup', 'restore', id, '--only', 'postgres', ...confirmed);
  const restored = await until(restore, ({ exit }) => exit !== 21, patienceMs);
  expect(restored).toMatchObject({ exit: 0, data: { swapped: true, shipping: 'asked' } });
  expect(Object.keys(await states())).toEqual(['before']);
  await platform.start('api');
  await platform.ready('api');
  const all = ['before', 'sent', 'sent-too', 'unsent', 'while-away'];
  await untilStates((seen) => all.every((name) => name in seen));

  const commit = () => platform.mailctl('backup', 'commit', id, ...confirmed);
  const committed = await until(commit, ({ exit }) => exit !== 21, patienceMs);
  expect(committed.error).toBeUndefined();
  await platform.start('worker');
  await untilStates((seen) => all.every((name) => ['delivered', 'accepted'].includes(seen[name] ?? '')));
  await until(copiesAtPostal, (copies) => all.every((name) => name in copies), patienceMs);
  expect(await copiesAtPostal()).toEqual(Object.fromEntries(all.map((name) => [name, 1])));
}, 300_000);
