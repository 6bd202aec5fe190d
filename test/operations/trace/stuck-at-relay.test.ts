import { describe, expect, it } from 'vitest';

import { OperatorError } from '../../../src/domain/failure.ts';
import { stuckAtRelay } from '../../../src/operations/trace/stuck-at-relay.ts';
import { runInProcess } from '../../fakes/terminal.ts';
import { worldWith } from '../status/world-with-relay.ts';

const text = 'ann@example.test';
const away = new OperatorError('unreachable', 'PostgreSQL cannot be reached', {
  hint: 'Check that it runs',
  field: 'POSTGRES_HOST',
});

type Relay = Parameters<typeof worldWith>[0];
type Way = [what: string, relay: Relay & { away?: OperatorError }, why: RegExp, command: string];

const ways: readonly Way[] = [
  [
    'PostgreSQL of the stack',
    { isStack: true, circuit: 'open', away },
    /^accepted messages wait in its journal: 3, the oldest for \d+(s|m), because PostgreSQL cannot be reached$/,
    'mailctl up postgres',
  ],
  ['PostgreSQL elsewhere', { away }, /PostgreSQL cannot/, 'mailctl config explain POSTGRES_HOST'],
  ['a refused relay in the stack', { isStack: true, refusal: '401' }, /refuses/, 'mailctl up'],
  ['a refused relay', { refusal: '401', away }, /refuses/, 'mailctl config explain API_INTERNAL_TOKEN'],
  ['an api of the stack that is down', { isStack: true, circuit: 'open' }, /api/, 'mailctl up api'],
  [
    'an api that is down',
    { circuit: 'open' },
    /the api does not answer/,
    'mailctl config explain API_INTERNAL_URL',
  ],
  ['a relay that is slow', { oldestMs: 31_000 }, /in time/, 'mailctl logs relay'],
];

describe('what waits at the relay', () => {
  it.each(ways)(
    'is stuck because of %s, and the command for that is named',
    async (_, relay, why, command) => {
      const failure = await stuckAtRelay(await worldWith(relay), { text, away: relay.away });

      expect(failure).toMatchObject({
        code: 'check-failed',
        message: expect.stringContaining(text),
        hint: expect.stringContaining(command),
        data: { message: null, stuck: { hop: 'relay', why: expect.stringMatching(why), command } },
      });
    },
  );

  it('is not stuck when nothing waits, or what waits is on its way', async () => {
    const nothing = await worldWith({ records: 0, circuit: 'open' });
    expect(await stuckAtRelay(nothing, { text, away })).toBeUndefined();
    const young = await worldWith({ oldestMs: 1_000 });
    expect(await stuckAtRelay(young, { text, away: undefined })).toBeUndefined();
  });

  it('is not known where the relay does not tell', async () => {
    const world = await worldWith({ refusal: '401' });
    const exchange = async () => ({ end: 'not-sent', why: 'ECONNREFUSED', forbidden: false });
    const silent = { ...world, http: async () => ({ exchange }) } as unknown as typeof world;
    expect(await stuckAtRelay(silent, { text, away })).toBeUndefined();
  });

  it('is never said to be freed by a command that there is not', async () => {
    for (const command of new Set(ways.map((way) => way[3]))) {
      const [, ...words] = command.split(' ');
      const { exit, out } = await runInProcess([...words, '--help']);
      expect([exit, out.split('\n')[0]]).toEqual([0, expect.stringContaining(`mailctl ${words[0]}`)]);
    }
  });
});
