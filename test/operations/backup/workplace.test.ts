import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

import { expect, it } from 'vitest';

import { stopOrTimeout, type Workplace } from '../../../src/operations/backup/workplace.ts';
import { until } from '../../store/until.ts';

const place = (BACKUP_TIMEOUT: number, stop = new AbortController()) => ({
  stop: stop.signal,
  config: { BACKUP_TIMEOUT } as Workplace['config'],
});

it('a step that takes too long is ended, also where memory is tidied up meanwhile', async () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const signal = stopOrTimeout(place(200));
  const heard: string[] = [];
  signal.addEventListener('abort', () => heard.push(String(signal.reason)));
  const look = () => {
    collect();
    return signal.aborted;
  };
  await until(look, Boolean, 10_000);
  expect(heard).toEqual([expect.stringContaining('TimeoutError')]);
});

it('a step ends as soon as the operator stops it', () => {
  const stop = new AbortController();
  const signal = stopOrTimeout(place(60_000, stop));
  stop.abort();
  expect(signal.aborted).toBe(true);
});
