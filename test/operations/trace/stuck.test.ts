import { describe, expect, it } from 'vitest';

import { stuckAt } from '../../../src/operations/trace/stuck.ts';
import { runInProcess } from '../../fakes/terminal.ts';
import { delivery, minute, recipient, scene } from './scene.ts';

const paused = { pausedAt: minute(-1), pausedReason: 'the address is listed' };
const suspended = {
  blockedAt: minute(-1),
  blockedProblem: 'suspended',
  blockedReason: 'the mail server is suspended in Postal',
} as const;
const atPostal = { postalId: 7, changedAt: minute(0) };
const later = { now: minute(10) };
const unread = {
  uuid: 'u',
  event: 'MessageSent',
  state: 'new',
  reason: null,
  receivedAt: minute(0),
} as const;

/** Each is a way to be stuck: what there is, where it is said to be, why, and what frees it. */
const ways: readonly (readonly [string, Parameters<typeof scene>[0], string, RegExp, string | null])[] = [
  [
    'a pause',
    { sending: paused },
    'worker',
    /paused since 2026.*: the address is listed$/,
    'mailctl queue resume',
  ],
  [
    'a hold of ours',
    { recipients: [recipient({ state: 'held', detail: 'ask first' })], sending: paused },
    'worker',
    /^held until it is released: ask first$/,
    'mailctl queue release msg_1',
  ],
  [
    'a hold with an end',
    { recipients: [recipient({ state: 'held', heldUntil: minute(60) })] },
    'worker',
    /^held until 2026-01-01T13:00:00.000Z: no reason given$/,
    'mailctl queue release msg_1',
  ],
  [
    'a Postal that is suspended',
    { sending: suspended },
    'postal',
    /through to Postal since 2026-01-01T11:59:00.000Z \(suspended\): the mail server is/,
    null,
  ],
  [
    'a Postal that is away',
    { sending: { ...suspended, blockedProblem: 'unreachable' } },
    'postal',
    /\(unreachable\)/,
    'mailctl config explain POSTAL_URL',
  ],
  [
    'a wrong key of Postal',
    { sending: { ...suspended, blockedProblem: 'invalid-key' } },
    'postal',
    /\(invalid-key\)/,
    'mailctl config explain POSTAL_API_KEY',
  ],
  [
    'a hand-over without a clear answer',
    {
      recipients: [recipient({ state: 'uncertain', detail: 'timed out' })],
      message: { nextAttemptAt: minute(5) },
    },
    'postal',
    /without a clear answer \(timed out\).*at 2026-01-01T12:05/,
    null,
  ],
  [
    'a worker that died on the way',
    { recipients: [recipient({ state: 'sending' })], message: { leaseUntil: minute(0) } },
    'postal',
    /the worker ended on the way/,
    null,
  ],
  [
    'a Postal that is busy',
    { recipients: [recipient({ detail: 'too many' })], message: { attempts: 2, nextAttemptAt: minute(5) } },
    'postal',
    /\(2 attempts\): too many; it is tried again at 2026-01-01T12:05/,
    null,
  ],
  ['no worker', later, 'worker', /due since 2026-01-01T12:00:00.000Z and no worker takes it/, 'mailctl e2e'],
  [
    'a refusal before Postal',
    {
      recipients: [
        recipient({ state: 'delivered', ...atPostal }),
        recipient({ state: 'failed', detail: 'no verified domain' }),
      ],
    },
    'postal',
    /^1 of 2 recipients: Postal never took it: no verified domain$/,
    'mailctl queue retry msg_1',
  ],
  [
    "a hold of Postal's",
    { recipients: [recipient({ state: 'held', detail: 'suppressed', ...atPostal })] },
    'postal',
    /Postal holds it as message 7 .*suppressed/,
    null,
  ],
  [
    'a webhook that was set aside',
    {
      recipients: [recipient({ state: 'accepted', ...atPostal })],
      unread: [{ ...unread, state: 'quarantined', reason: 'odd' }],
    },
    'postal-webhook',
    /MessageSent of 2026-01-01T12:00:00.000Z was set aside: odd/,
    `mailctl webhooks quarantine retry ${unread.uuid}`,
  ],
  [
    'a webhook that nobody reads',
    { recipients: [recipient({ state: 'accepted', ...atPostal })], unread: [unread], ...later },
    'worker',
    /waits since .* no worker reads it/,
    'mailctl e2e',
  ],
  [
    'a server that puts it off',
    { recipients: [recipient({ state: 'delayed', detail: '451 later', ...atPostal })] },
    'mailbox',
    /put it off: 451 later/,
    null,
  ],
  [
    'a Postal that does not report',
    { recipients: [recipient({ state: 'accepted', ...atPostal })], ...later },
    'postal',
    /took it as message 7 at 2026-01-01T12:00:00.000Z and has not reported/,
    'mailctl e2e',
  ],
  [
    'webhooks that were given up',
    {
      recipients: [recipient({ state: 'delivered', ...atPostal })],
      deliveries: [
        delivery(),
        delivery({ id: 'whd_2', state: 'dead', attempts: 9, lastError: 'the endpoint answered 500' }),
        delivery({ id: 'whd_3', state: 'dead' }),
      ],
    },
    'ams-webhook',
    /^2 webhooks were given up after 9 attempts: .*hooks: the endpoint answered 500$/,
    'mailctl webhooks replay whd_2 whd_3',
  ],
  [
    'an endpoint that disabled itself',
    {
      recipients: [recipient({ state: 'delivered', ...atPostal })],
      deliveries: [delivery({ state: 'dead', disabledAt: minute(1), disabledReason: 'it answered 410' })],
    },
    'ams-webhook',
    /^1 webhooks wait because .* is disabled \(it answered 410\)$/,
    'mailctl webhooks resume whe_1',
  ],
  [
    'an endpoint that is paused',
    {
      recipients: [recipient({ state: 'delivered', ...atPostal })],
      deliveries: [delivery({ state: 'waiting', pausedAt: minute(1) })],
    },
    'ams-webhook',
    /is paused$/,
    'mailctl webhooks resume whe_1',
  ],
  [
    'an endpoint that fails',
    {
      recipients: [recipient({ state: 'delivered', ...atPostal })],
      deliveries: [delivery({ state: 'waiting', attempts: 3, lastStatus: 503, nextAttemptAt: minute(5) })],
    },
    'ams-webhook',
    /answered 503 at attempt 3; it is tried again at 2026-01-01T12:05/,
    null,
  ],
  [
    'a webhook that nobody sends',
    {
      recipients: [recipient({ state: 'delivered', ...atPostal })],
      deliveries: [delivery({ state: 'waiting', attempts: 0, lastStatus: null })],
      ...later,
    },
    'worker',
    /waits since .* and no worker sends it/,
    'mailctl e2e',
  ],
];

/** Each goes on by itself, or is at its end. */
const free: readonly (readonly [string, Parameters<typeof scene>[0]])[] = [
  ['has just come', {}],
  [
    'waits for its time, also while sending is paused',
    {
      recipients: [recipient({ state: 'scheduled' })],
      message: { nextAttemptAt: minute(60) },
      sending: paused,
    },
  ],
  [
    'is in the hands of a worker',
    {
      recipients: [recipient({ state: 'sending' })],
      message: { leaseUntil: minute(1) },
    },
  ],
  ['was paused until a time that is over', { sending: { ...paused, pausedUntil: minute(0) } }],
  ['was just taken by Postal', { recipients: [recipient({ state: 'accepted', ...atPostal })] }],
  ['was just reported on', { recipients: [recipient({ state: 'accepted', ...atPostal })], unread: [unread] }],
  [
    'was delivered and told',
    {
      recipients: [recipient({ state: 'delivered', ...atPostal })],
      deliveries: [delivery()],
      ...later,
    },
  ],
  [
    'was replayed',
    {
      recipients: [recipient({ state: 'delivered', ...atPostal })],
      deliveries: [delivery({ state: 'waiting', attempts: 0, lastStatus: 500 })],
    },
  ],
  ['was refused by the recipient', { recipients: [recipient({ state: 'failed', ...atPostal })], ...later }],
  ['came back', { recipients: [recipient({ state: 'bounced', ...atPostal })], ...later }],
  ['was suppressed', { recipients: [recipient({ state: 'suppressed' })], sending: paused, ...later }],
];

describe('a message', () => {
  it.each(ways)('is stuck because of %s', (_, changes, ...[hop, why, command]) => {
    expect(stuckAt(scene(changes))).toEqual({ hop, why: expect.stringMatching(why), command });
  });

  it.each(free)('is not stuck when it %s', (_, changes) => {
    expect(stuckAt(scene(changes))).toBeNull();
  });

  it('is never said to be freed by a command that there is not', async () => {
    const commands = ways.flatMap(([, , , , command]) => command ?? []);
    for (const command of new Set(commands)) {
      const [, ...words] = command.split(' ');
      const { exit, out } = await runInProcess([...words, '--help']);
      expect([exit, out.split('\n')[0]]).toEqual([0, expect.stringContaining(`mailctl ${words[0]}`)]);
    }
  });
});
