import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import type { StoreAnswer, VerifyAnswer } from '../../../src/services/relay/session.ts';
import { cutAt } from './octets.ts';
import { ann, speak, type SpokenOptions } from './spoken.ts';

const login = `EHLO app.example.com\r\nAUTH PLAIN ${Buffer.from('\0ann\0the right password').toString('base64')}\r\n`;
const transaction = 'MAIL FROM:<ann@example.com>\r\nRCPT TO:<bob@example.org>\r\nDATA\r\n';
const message = 'From: ann@example.com\r\nSubject: Hello\r\n\r\n..\r\nHello\r\n.\r\n';

const lines = fc
  .array(
    fc.constantFrom(
      'NOOP\r\n',
      'RSET\r\n',
      'EHLO again\r\n',
      transaction,
      message,
      transaction + message,
      'AUTH LOGIN\r\nYW5u\r\n',
      `${'x'.repeat(600)}\r\n`,
      'bare\n',
      'ba\rre\r\n',
      '\0\r\n',
      '.\r\n',
      'QUIT\r\n',
    ),
    { maxLength: 8 },
  )
  .map((parts) => login + parts.join(''));

async function hearAll(pieces: readonly Buffer[], options: Partial<SpokenOptions>, isPatient: boolean) {
  const spoken = speak({ protection: 'private', ...options });
  for (const piece of pieces) {
    spoken.conversation.hear(piece);
    if (isPatient) await spoken.settled();
  }
  spoken.conversation.hearEnd();
  await spoken.settled();
  expect(spoken.failures).toEqual([]);
  return { heard: spoken.heard(), kept: spoken.kept.map(({ raw }) => Buffer.from(raw).toString('latin1')) };
}

describe('a conversation', () => {
  it('is the same wherever the stream is cut, and however fast it comes', async () => {
    const cuts = fc.array(fc.nat(400), { maxLength: 12 });
    const spill = { spillBytes: 20 };
    await fc.assert(
      fc.asyncProperty(lines, cuts, fc.boolean(), async (stream, places, isPatient) => {
        const octets = Buffer.from(stream, 'latin1');
        const whole = await hearAll([octets], {}, true);

        expect(await hearAll(cutAt(octets, places), places.length % 2 ? spill : {}, isPatient)).toEqual(
          whole,
        );
      }),
      { numRuns: 150 },
    );
  });

  it('keeps as many messages as it says 250 to, each byte for byte', async () => {
    const body = fc.array(fc.string({ unit: fc.constantFrom('.', 'a', ' '), maxLength: 5 }), {
      maxLength: 6,
    });
    await fc.assert(
      fc.asyncProperty(fc.array(body, { maxLength: 4 }), async (bodies) => {
        const texts = bodies.map((each) => each.map((line) => `${line}\r\n`).join(''));
        const stream = texts.map(
          (text) => `${transaction}From: ann@example.com\r\n\r\n${text.replaceAll(/^\./gm, '..')}.\r\n`,
        );
        const { heard, kept } = await hearAll([Buffer.from(login + stream.join(''))], {}, true);

        expect(heard.match(/^250 2\.0\.0 Ok: queued as/gm) ?? []).toHaveLength(bodies.length);
        expect(kept.map((raw) => raw.slice(raw.indexOf('\r\n\r\n') + 4))).toEqual(texts);
      }),
      { numRuns: 100 },
    );
  });

  it('turns away a client that talks before it was greeted', async () => {
    const spoken = speak({ protection: 'private', answers: { admit: () => new Promise(() => {}) } });
    spoken.conversation.hear(Buffer.from('EHLO early.example.com\r\n'));

    expect(spoken.heard()).toBe('554 5.5.1 You spoke before the greeting\r\n(closed)\r\n');
  });

  it('answers 421 when it is full', () => {
    expect(speak({ protection: 'private', answers: { admit: () => 'full' } }).heard()).toBe(
      '421 4.3.2 Too many connections, try again later\r\n(closed)\r\n',
    );
  });

  it('says nothing about the password when a login is locked', async () => {
    const spoken = speak({ protection: 'private', answers: { verify: () => ({ outcome: 'locked' }) } });
    spoken.conversation.hear(Buffer.from(login));

    expect(spoken.heard()).toMatch(/\r\n421 4\.7\.0 Too many failed logins\r\n\(closed\)\r\n$/);
  });

  it('ends a login that was revoked at the next message', () => {
    const spoken = speak({ protection: 'private', answers: { permit: () => ({ outcome: 'revoked' }) } });
    spoken.conversation.hear(Buffer.from(`${login}MAIL FROM:<>\r\nMAIL FROM:<>\r\n`));

    expect(spoken.heard()).toMatch(
      /\r\n535 5\.7\.8 The credential is no longer valid\r\n530 5\.7\.0 Authentication required\r\n$/,
    );
  });

  it('uses the domains that a credential has now, not those it had at login', async () => {
    const now = { ...ann, senderDomains: ['example.net'] };
    const spoken = speak({
      protection: 'private',
      answers: { permit: () => ({ outcome: 'permitted', credential: now }) },
    });
    spoken.conversation.hear(Buffer.from(login + transaction + message));
    await spoken.settled();

    expect(spoken.heard()).toMatch(/\r\n550 5\.7\.1 .*, example\.com is not\r\n$/);
  });

  it('tells a client 451 or 452 when its message is not on disk, and goes on', async () => {
    const ends = [{ kind: 'full' }, { kind: 'failed', why: 'EIO' }, { kind: 'stored' }] as const;
    let n = -1;
    const spoken = speak({ protection: 'private', keep: async () => ends[(n += 1)] ?? ends[2] });
    spoken.conversation.hear(Buffer.from(login + (transaction + message).repeat(3)));
    await spoken.settled();

    expect(spoken.heard().match(/^(?:45\d|250 2\.0\.0) .*$/gm)).toEqual([
      '452 4.3.1 No room to store the message, try again later',
      '451 4.3.0 The message could not be stored, try again later',
      expect.stringContaining('250 2.0.0 Ok: queued as msg_'),
    ]);
    expect(spoken.kept).toHaveLength(1);
  });

  it('answers 421 and closes when storing breaks in a way nobody thought of', async () => {
    const spoken = speak({
      protection: 'private',
      keep: async () => {
        throw new Error('a bug');
      },
    });
    spoken.conversation.hear(Buffer.from(login + transaction + message));
    await spoken.settled();
    await Promise.resolve();

    expect(spoken.heard()).toMatch(/\r\n421 4\.3\.0 Internal error, try again later\r\n\(closed\)\r\n$/);
    expect(spoken.failures).toEqual([new Error('a bug')]);
  });

  it('says 452 when the disk cannot take a large message', async () => {
    const spoken = speak({ protection: 'private', spillBytes: 10, spillDir: '/nowhere' });
    spoken.conversation.hear(Buffer.from(login + transaction + message));
    await spoken.settled();

    expect(spoken.heard()).toMatch(/\r\n452 4\.3\.1 /);
  });

  it('counts commands and errors anew from each message it kept', async () => {
    const spoken = speak({ protection: 'private' });
    spoken.conversation.hear(Buffer.from(login + `XYZZY\r\n${transaction}${message}`.repeat(12)));
    await spoken.settled();

    expect(spoken.kept).toHaveLength(12);
  });

  it('does not keep a line that never ends', () => {
    const spoken = speak({ protection: 'private' });
    spoken.heard();
    const piece = Buffer.alloc(65_536, 'x');
    for (let n = 0; n < 4_000; n += 1) spoken.conversation.hear(piece);
    spoken.conversation.hear(Buffer.from('\r\nNOOP\r\n'));

    expect(spoken.heard()).toBe('500 5.5.2 Line too long\r\n250 2.0.0 Ok\r\n');
  });

  it('listens to nobody who does not read what is said', () => {
    const spoken = speak({ protection: 'private' });
    spoken.deafen();
    spoken.conversation.hear(Buffer.from('NOOP\r\n'));
    spoken.conversation.hear(Buffer.from('NOOP\r\n'));
    expect(spoken.heard().match(/250 2/g)).toHaveLength(1);

    spoken.conversation.hearDrain();
    expect(spoken.heard().match(/250 2/g)).toHaveLength(1);
  });
});

describe('a stop', () => {
  const shutDown = '421 4.3.2 relay.example.com is shutting down, try again later\r\n(closed)\r\n';

  it.each([
    ['between commands', login],
    ['in a login', 'EHLO app.example.com\r\nAUTH LOGIN\r\n'],
    ['before DATA', login + transaction.replace('DATA\r\n', '')],
    ['in half a command', `${login}MAIL FR`],
  ])('sends a client away %s', (_, said) => {
    const spoken = speak({ protection: 'private' });
    spoken.conversation.hear(Buffer.from(said));
    spoken.heard();
    spoken.conversation.interrupt('shutdown');

    expect(spoken.heard()).toBe(shutDown);
  });

  it('lets a message finish that is on its way', async () => {
    const spoken = speak({ protection: 'private' });
    spoken.conversation.hear(Buffer.from(login + transaction + message.slice(0, 20)));
    spoken.conversation.interrupt('shutdown');
    spoken.heard();
    spoken.conversation.hear(Buffer.from(`${message.slice(20)}${transaction}`));
    await spoken.settled();

    expect(spoken.heard()).toMatch(/^250 2\.0\.0 Ok: queued as msg_\w+\r\n421 4\.3\.2 .*\r\n\(closed\)\r\n$/);
    expect(spoken.kept).toHaveLength(1);
  });

  it.each(['verify', 'store'] as const)('waits for the answer to %s', async (asked) => {
    let answer: (known: unknown) => void = () => {};
    const later = new Promise((resolve) => {
      answer = resolve;
    });
    const answers =
      asked === 'verify'
        ? { verify: () => later as Promise<VerifyAnswer> }
        : { store: () => later as Promise<StoreAnswer> };
    const spoken = speak({ protection: 'private', answers });
    spoken.conversation.hear(Buffer.from(login + transaction + message));
    spoken.conversation.interrupt('shutdown');
    spoken.heard();
    answer(
      asked === 'verify' ? { outcome: 'accepted', credential: ann } : { outcome: 'stored', id: 'msg_1' },
    );
    await spoken.settled();

    expect(spoken.heard()).toMatch(/^(?:235|250) .*\r\n421 4\.3\.2 .*\r\n\(closed\)\r\n$/);
  });
});
