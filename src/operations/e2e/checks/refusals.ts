import type { SmtpConversation, SmtpReply } from '../../../adapters/smtp.ts';
import { Secret } from '../../../domain/secret.ts';
import { type Check, fail, observe, type Observation, type Probe, skip } from '../check.ts';
import { relayHealth } from '../look.ts';
import { plainLogin, spoken } from './submission.ts';

/** What the relay must refuse. */
export const refusals: readonly Check[] = [
  {
    id: 'smtp.wrong-password',
    hop: 'relay',
    expected: 'a wrong password is answered 535',
    look: relayHealth,
    needs: ['smtp.auth'],
    run: (probe) =>
      inSession(probe, async (session) => {
        const wrong = new Secret(probe.random.letters(20));
        return expectCode(await session.say(plainLogin(probe.user.username, wrong)), [535]);
      }),
  },
  {
    id: 'smtp.no-tls',
    hop: 'relay',
    expected: 'AUTH before TLS is refused with 530, 538 or 502',
    look: relayHealth,
    needs: ['smtp.greeting'],
    run: async (probe) => {
      if (!probe.offersTls) return skip('RELAY_SUBMISSION_LISTEN is off: a private listener lifts TLS');
      await using session = await probe.prober.openSmtp(probe.smtp);
      await session.say('EHLO e2e.mailctl.invalid');
      const pretended = plainLogin('e2e', new Secret('not a real password'));
      return expectCode(await session.say(pretended), [502, 503, 530, 538]);
    },
  },
  {
    id: 'smtp.unauthenticated',
    hop: 'relay',
    expected: 'mail without AUTH is refused with 530',
    look: relayHealth,
    needs: ['smtp.ehlo'],
    run: (probe) =>
      inSession(probe, async (session) =>
        expectCode(await session.say(`MAIL FROM:<${probe.sender}>`), [530]),
      ),
  },
  {
    id: 'smtp.oversize',
    hop: 'relay',
    expected: 'a message above RELAY_MAX_MESSAGE_BYTES is refused with 552',
    look: relayHealth,
    needs: ['smtp.auth'],
    run: (probe) =>
      inSession(probe, async (session) => {
        await session.say(plainLogin(probe.user.username, probe.user.password));
        const size = probe.config.RELAY_MAX_MESSAGE_BYTES + 1;
        return expectCode(await session.say(`MAIL FROM:<${probe.sender}> SIZE=${size}`), [552]);
      }),
  },
];

async function inSession(
  probe: Probe,
  work: (session: SmtpConversation) => Promise<Observation>,
): Promise<Observation> {
  await using session = await probe.prober.openSmtp(probe.smtp);
  await session.say('EHLO e2e.mailctl.invalid');
  if (probe.offersTls) {
    const ready = await session.say('STARTTLS');
    if (ready.code !== 220) return fail(`STARTTLS: ${spoken(ready)}`);
    await session.startTls({ serverName: probe.config.RELAY_HOSTNAME, ca: probe.ca });
    await session.say('EHLO e2e.mailctl.invalid');
  }
  return await work(session);
}

function expectCode(reply: SmtpReply, codes: readonly number[]): Observation {
  return observe(codes.includes(reply.code), spoken(reply));
}
