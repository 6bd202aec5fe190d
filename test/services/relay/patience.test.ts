import { expect, it } from 'vitest';

import { judgePatience } from '../../../src/services/relay/patience.ts';

const patience = {
  handshakeMs: 10,
  loginMs: 20,
  idleMs: 50,
  dataMs: 100,
  sessionMs: 1_000,
  lingerMs: 5,
};
const fresh = { isLoggedIn: true, ageMs: 0, stageMs: 0, silentMs: 0 };

it.each([
  ['a handshake that takes too long', { ...fresh, for: 'handshake', stageMs: 11 }, 'drop'],
  ['a client that does not hang up', { ...fresh, for: 'goodbye', stageMs: 6 }, 'drop'],
  ['silence', { ...fresh, for: 'command', stageMs: 51, silentMs: 51 }, 'tell'],
  ['an octet now and then', { ...fresh, for: 'command', stageMs: 51, silentMs: 1 }, 'tell'],
  ['no login', { ...fresh, for: 'command', isLoggedIn: false, ageMs: 21 }, 'tell'],
  ['an endless session', { ...fresh, for: 'command', ageMs: 1_001 }, 'tell'],
  ['a message that does not end', { ...fresh, for: 'data', stageMs: 101 }, 'tell'],
  ['a message that has stopped', { ...fresh, for: 'data', stageMs: 51, silentMs: 51 }, 'tell'],
  ['a message in an old session', { ...fresh, for: 'data', ageMs: 5_000, stageMs: 99, silentMs: 49 }, 'wait'],
  ['ourselves', { ...fresh, for: 'us', ageMs: 5_000, stageMs: 5_000, silentMs: 5_000 }, 'wait'],
  ['a quick client', { ...fresh, for: 'command', stageMs: 50, ageMs: 1_000 }, 'wait'],
] as const)('does the right thing about %s', (_, waiting, verdict) => {
  expect(judgePatience(waiting, patience)).toBe(verdict);
});
