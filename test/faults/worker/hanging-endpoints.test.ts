import { expect, it } from 'vitest';

import { listen, listenAsAms, openRig } from '../../integration/worker/rig.ts';
import { until } from '../../store/until.ts';

it('webhooks of a healthy endpoint go on while four others hang with every place that they get', async () => {
  await using rig = await openRig();
  const hanging = new Set<string>();
  await using dead = await listen((request) => void hanging.add(request.url ?? ''));
  await using ams = await listenAsAms();
  for (const path of ['/1', '/2', '/3', '/4']) await rig.subscribe(`${dead.url}${path}`);
  for (let number = 0; number < 40; number += 1) await rig.submit();
  await rig.work({ WEBHOOK_TIMEOUT: '10m' });
  await until(
    () => hanging,
    ({ size }) => size === 4,
  );
  const waiting = () =>
    rig.db.query<{ count: number }>(
      `select count(*)::integer from webhook_deliveries where state = 'waiting' and next_attempt_at <= now()`,
    );
  await until(waiting, ([row]) => (row?.count ?? 0) > 20);

  await rig.subscribe(ams.url, ['message.delivered']);
  for (let number = 0; number < 40; number += 1) await rig.submit();

  // Some of the first forty are delivered only now, and told to it, too.
  const heard = await until(
    () => ams.heard.length,
    (count) => count >= 40,
  );
  expect(heard).toBeGreaterThanOrEqual(40);
  const [tried] = await rig.db.query('select from webhook_deliveries where last_error is not null');
  expect(tried, 'no call to a hanging endpoint has ended yet').toBeUndefined();
});
