import { createHash } from 'node:crypto';

import { findHandover } from '../../../store/handovers.ts';
import { findMessage } from '../../../store/message-views.ts';
import {
  type Check,
  fail,
  linkTarget,
  type Observation,
  observe,
  pass,
  type Probe,
  skip,
  waitFor,
} from '../check.ts';
import { sendingState } from '../../../store/sending.ts';
import { apiHealth, timeline, workerHealth } from '../look.ts';
import { headerMessageId } from './submission.ts';

/** relay → api → PostgreSQL → worker → Postal → mailbox. */
export const passage: readonly Check[] = [
  {
    id: 'api.stored',
    hop: 'api',
    expected: 'the api has the message with its recipient, Message-ID, subject and tag',
    look: apiHealth,
    needs: ['smtp.accepted'],
    run: async (probe) => {
      const view = await waitFor(probe, () => findMessage(probe.db, probe.found.messageId ?? ''));
      if (!view) return fail(`no message ${probe.found.messageId} in the database`);
      const [recipient] = view.recipients;
      const right =
        recipient?.address === probe.recipient && view.headerMessageId?.includes(headerMessageId(probe));
      return observe(
        right === true,
        `${view.id}, ${view.sizeBytes} octets, Message-ID ${view.headerMessageId}`,
      );
    },
  },
  {
    id: 'postal.accepted',
    hop: 'postal',
    expected: 'the worker handed it to Postal, which gave it an id',
    look: workerHealth,
    needs: ['api.stored'],
    run: async (probe) => {
      const id = probe.found.messageId ?? '';
      const accepted = await waitFor(probe, async () => {
        const handover = await findHandover(probe.db, id);
        return handover?.postalId === undefined ? undefined : handover;
      });
      if (accepted) return pass(`Postal's id ${accepted.postalId}`);
      return blame(probe, id);
    },
  },
  {
    id: 'mailbox.arrived',
    hop: 'mailbox',
    expected: 'the message is in the mailbox of the recipient, under its tag where the mailbox shows it',
    look: timeline,
    needs: ['postal.accepted'],
    run: async (probe) => {
      const { mailbox, recipient, found } = probe;
      if (!mailbox)
        return skip(
          'nobody can look into it: set E2E_MAILBOX_URL, or send to the address that Postal routes to us',
        );
      const arrived = await waitFor(probe, () => mailbox.find(headerMessageId(probe), recipient));
      if (!arrived) return fail(`nothing arrived within ${probe.config.E2E_TIMEOUT / 1000} s`);
      found.raw = arrived.raw;
      found.mail = await probe.prober.readMail(arrived.raw);
      const isItsOwn = arrived.tag === null || arrived.tag === probe.runId;
      return observe(isItsOwn, `${arrived.raw.length} octets, tag ${arrived.tag ?? 'not shown'}`);
    },
  },
  {
    id: 'mailbox.exact',
    hop: 'mailbox',
    expected: 'run id in subject and header, and the attachment, arrived octet for octet',
    look: timeline,
    needs: ['mailbox.arrived'],
    run: async ({ found, runId }) => {
      const arrived = found.mail?.attachment('untouched.bin');
      const same = arrived && found.attachment && digest(arrived) === digest(found.attachment);
      const run = found.mail?.field('x-mailctl-run');
      const dot = found.mail?.text.includes('\n.a line that begins with a dot');
      return observe(
        same === true && run === runId && dot === true,
        `attachment ${same ? 'same' : 'changed'}, X-Mailctl-Run ${run}`,
      );
    },
  },
  {
    id: 'mailbox.rewritten',
    hop: 'tracking',
    expected: "link and pixel lead to Postal's tracking host",
    look: timeline,
    needs: ['mailbox.arrived'],
    run: async ({ found }) => {
      const links = trackingLinks(found.mail?.html ?? '');
      if (!links.click || links.click === linkTarget)
        return fail(`the link is ${links.click ?? 'gone'}: tracking is off`);
      return links.pixel ? pass(links.click) : fail('there is no pixel: tracking is off');
    },
  },
  {
    id: 'mailbox.dkim',
    hop: 'mailbox',
    expected: 'a DKIM signature of the sending domain verifies',
    look: () => 'mailctl config explain MAIL_DOMAIN',
    needs: ['mailbox.arrived'],
    run: async ({ found, mailbox, config, prober }) => {
      const raw = found.raw ?? new Uint8Array();
      const results = await prober.verifyDkim(raw, await mailbox?.keys(raw));
      return observe(
        results.some((result) => result.startsWith(`pass d=${config.MAIL_DOMAIN}`)),
        results.join('; ') || 'no signature',
      );
    },
  },
];

async function blame({ db }: Probe, id: string): Promise<Observation> {
  const [handover, sending] = await Promise.all([findHandover(db, id), sendingState(db)]);
  if (sending?.pausedAt)
    return fail(`sending is paused: ${sending.pausedReason ?? 'no reason given'}`, 'worker');
  if (sending?.blockedReason) return fail(`nothing gets through to Postal: ${sending.blockedReason}`);
  if (handover && (handover.attempts > 0 || handover.state !== 'queued')) {
    return fail(
      `${handover.state} after ${handover.attempts} attempts: ${handover.detail ?? 'no reason given'}`,
    );
  }
  return fail('no worker took the message', 'worker');
}

/** The first link and the pixel of a delivered message. */
export function trackingLinks(html: string): {
  readonly click: string | undefined;
  readonly pixel: string | undefined;
} {
  return {
    click: unescaped(/<a\s[^>]*href=["']([^"']+)["']/i.exec(html)?.[1]),
    pixel: unescaped(/<img\s[^>]*src=["']([^"']+\/img\/[^"']+)["']/i.exec(html)?.[1]),
  };
}

function unescaped(url: string | undefined): string | undefined {
  return url?.replaceAll('&amp;', '&');
}

function digest(octets: Uint8Array): string {
  return createHash('sha256').update(octets).digest('hex');
}
