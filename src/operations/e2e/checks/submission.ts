import type { SmtpConversation, SmtpReply } from '../../../adapters/smtp.ts';
import { Secret } from '../../../domain/secret.ts';
import { type Check, fail, linkTarget, observe, pass, type Probe, skip } from '../check.ts';
import { relayHealth } from '../look.ts';

const wantedExtensions = ['SIZE', 'PIPELINING', '8BITMIME', 'ENHANCEDSTATUSCODES', 'AUTH PLAIN LOGIN'];

/** AMS → relay: one submission, reply by reply. */
export const submission: readonly Check[] = [
  {
    id: 'smtp.greeting',
    hop: 'relay',
    expected: 'the relay greets with 220 and its name',
    look: relayHealth,
    needs: [],
    run: async (probe) => {
      const session = await probe.prober.openSmtp(probe.smtp);
      probe.found.session = session;
      const seen = spoken(session.greeting);
      return observe(session.greeting.code === 220 && seen.includes(probe.config.RELAY_HOSTNAME), seen);
    },
  },
  {
    id: 'smtp.starttls',
    hop: 'relay',
    expected: 'EHLO offers STARTTLS and no AUTH; STARTTLS gives TLS 1.2 or newer',
    look: relayHealth,
    needs: ['smtp.greeting'],
    run: async (probe) => {
      if (!probe.offersTls) return skip('RELAY_SUBMISSION_LISTEN is off: a private listener has no TLS');
      const session = sessionOf(probe);
      const hello = await session.say('EHLO e2e.mailctl.invalid');
      const offers = extensions(hello);
      if (!offers.includes('STARTTLS') || offers.some((offer) => offer.startsWith('AUTH')))
        return fail(spoken(hello));
      const ready = await session.say('STARTTLS');
      if (ready.code !== 220) return fail(spoken(ready));
      const protocol = await session.startTls({ serverName: probe.config.RELAY_HOSTNAME, ca: probe.ca });
      return observe(/^TLSv1\.[23]$/.test(protocol), protocol);
    },
  },
  {
    id: 'smtp.ehlo',
    hop: 'relay',
    expected: `EHLO offers ${wantedExtensions.join(', ')}`,
    look: relayHealth,
    needs: ['smtp.greeting'],
    run: async (probe) => {
      const offers = extensions(await sessionOf(probe).say('EHLO e2e.mailctl.invalid'));
      const missing = wantedExtensions.filter((wanted) => !offers.some((offer) => offer.startsWith(wanted)));
      return missing.length === 0 ? pass(offers.join(', ')) : fail(`missing ${missing.join(', ')}`);
    },
  },
  {
    id: 'smtp.auth',
    hop: 'relay',
    expected: 'AUTH PLAIN is answered 235',
    look: relayHealth,
    needs: ['smtp.ehlo'],
    run: async (probe) => {
      const { username, password } = probe.user;
      const reply = await sessionOf(probe).say(plainLogin(username, password));
      if (reply.code === 235) return pass(spoken(reply));
      return reply.code === 454
        ? fail(`${spoken(reply)} (the relay cannot ask the api)`, 'api')
        : fail(spoken(reply));
    },
  },
  {
    id: 'smtp.accepted',
    hop: 'relay',
    expected: 'the message is answered 250 with its id',
    look: relayHealth,
    needs: ['smtp.auth'],
    run: async (probe) => {
      const session = sessionOf(probe);
      for (const line of [`MAIL FROM:<${probe.sender}>`, `RCPT TO:<${probe.recipient}>`, 'DATA']) {
        const reply = await session.say(line);
        if (reply.code >= 400) return fail(`${line.split(':')[0]}: ${spoken(reply)}`);
      }
      const reply = await session.sendMessage(await testMessage(probe));
      const id = /msg_[0-9a-z]{26}/.exec(spoken(reply))?.[0];
      if (reply.code !== 250 || id === undefined) return fail(spoken(reply));
      probe.found.messageId = id;
      await session.say('QUIT');
      return pass(spoken(reply));
    },
  },
];

/** A reply on one line, as it is shown. */
export function spoken({ code, lines }: SmtpReply): string {
  return `${code} ${lines.join(' / ')}`;
}

/** AUTH PLAIN with an initial response (RFC 4616, RFC 4954 §4). */
export function plainLogin(username: string, password: Secret): Secret {
  return new Secret(`AUTH PLAIN ${Buffer.from(`\0${username}\0${password.reveal()}`).toString('base64')}`);
}

/** The Message-ID of a run's message, without angle brackets. */
export function headerMessageId({ runId, sender }: Pick<Probe, 'runId' | 'sender'>): string {
  return `${runId}.smtp@${sender.slice(sender.indexOf('@') + 1)}`;
}

function extensions({ lines }: SmtpReply): readonly string[] {
  return lines.slice(1).map((line) => line.toUpperCase());
}

function sessionOf({ found }: Probe): SmtpConversation {
  if (!found.session) throw new TypeError('there is no SMTP session yet');
  return found.session;
}

async function testMessage(probe: Probe): Promise<Uint8Array> {
  const { runId, sender, recipient, clock, random, found } = probe;
  found.attachment = random.bytes(512);
  return probe.prober.composeMessage({
    from: { name: 'mailctl e2e', address: sender },
    replyTo: [],
    to: [{ name: '', address: recipient }],
    cc: [],
    subject: `mailctl e2e ${runId}`,
    text: `Run ${runId}\n\n${linkTarget}\n.a line that begins with a dot\n`,
    html: `<html><body><p>Run ${runId}</p><a href="${linkTarget.replace('&', '&amp;')}">click</a></body></html>`,
    attachments: [
      {
        filename: 'untouched.bin',
        content: found.attachment,
        contentType: 'application/octet-stream',
        contentId: undefined,
      },
    ],
    headers: { 'X-Mailctl-Run': runId, 'X-Mailctl-Tag': runId },
    messageId: `<${headerMessageId(probe)}>`,
    date: clock.now(),
  });
}
