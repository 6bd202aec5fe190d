import type { HttpRequest } from '../../../adapters/http.ts';
import { findMessage, type RecipientView } from '../../../store/message-views.ts';
import { type Check, fail, linkTarget, observe, pass, type Probe, waitFor } from '../check.ts';
import { timeline, workerHealth } from '../look.ts';
import { trackingLinks } from './passage.ts';

const toldKinds = ['message.accepted', 'message.delivered', 'message.opened', 'message.clicked'];

/** The way back: pixel and link, Postal's webhooks, AMS's webhooks. */
export const wayBack: readonly Check[] = [
  {
    id: 'tracking.pixel',
    hop: 'tracking',
    expected: 'the pixel is answered 200 with an image',
    look: timeline,
    needs: ['mailbox.rewritten'],
    run: async (probe) => {
      const { status, headers, why } = await fetchPage(
        probe,
        trackingLinks(probe.found.mail?.html ?? '').pixel,
      );
      return observe(
        status === 200 && headers['content-type'] === 'image/png',
        why ?? `${status} ${headers['content-type']}`,
      );
    },
  },
  {
    id: 'tracking.click',
    hop: 'tracking',
    expected: 'the link is answered 307 to where it led',
    look: timeline,
    needs: ['mailbox.rewritten'],
    run: async (probe) => {
      const { status, headers, why } = await fetchPage(
        probe,
        trackingLinks(probe.found.mail?.html ?? '').click,
      );
      return observe(
        status === 307 && headers['location'] === linkTarget,
        why ?? `${status} to ${headers['location']}`,
      );
    },
  },
  {
    id: 'webhook.delivered',
    hop: 'postal-webhook',
    expected: "Postal's webhook was believed and made the message delivered",
    look: workerHealth,
    needs: ['postal.accepted'],
    run: (probe) => waitForRecipient(probe, ({ state }) => state === 'delivered'),
  },
  {
    id: 'webhook.opened',
    hop: 'postal-webhook',
    expected: 'the pixel was counted as one open',
    look: workerHealth,
    needs: ['webhook.delivered', 'tracking.pixel'],
    run: (probe) => waitForRecipient(probe, ({ opens }) => opens === 1),
  },
  {
    id: 'webhook.clicked',
    hop: 'postal-webhook',
    expected: 'the link was counted as one click',
    look: workerHealth,
    needs: ['webhook.delivered', 'tracking.click'],
    run: (probe) => waitForRecipient(probe, ({ clicks }) => clicks === 1),
  },
  {
    id: 'ams.webhook',
    hop: 'ams-webhook',
    expected:
      "AMS's endpoint got what happened, each with a signature the Standard Webhooks library believes",
    look: workerHealth,
    needs: ['webhook.delivered'],
    run: async (probe) => {
      const wanted = probe.found.mail ? toldKinds : toldKinds.slice(0, 2);
      const all = await waitFor(probe, async () => {
        const kinds = toldOf(probe);
        return wanted.every((kind) => kinds.includes(kind)) ? kinds : undefined;
      });
      if (!all) return fail(`got ${toldOf(probe).join(', ') || 'nothing'}`);
      const unsigned = probe.inbox
        .received()
        .filter((webhook) => !probe.prober.isSignedFor(probe.endpointSecret, webhook));
      return observe(
        unsigned.length === 0,
        `${all.length} webhooks, ${unsigned.length} with a bad signature`,
      );
    },
  },
];

interface Fetched {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly why?: string;
}

async function fetchPage({ http, config }: Probe, link: string | undefined): Promise<Fetched> {
  if (link === undefined) return { status: 0, headers: {}, why: 'there is no such link' };
  const end = await http.exchange({
    method: 'GET',
    ...wayTo(link, config.E2E_WEB_URL),
    withinMs: config.E2E_TIMEOUT,
  });
  return end.end === 'answered' ? end : { status: 0, headers: {}, why: end.why };
}

/** Inside the stack a tracked link is asked of nginx itself: what its host means there is not what the world sees. */
function wayTo(link: string, origin: string | undefined): Pick<HttpRequest, 'url' | 'headers'> {
  if (origin === undefined || !URL.canParse(link)) return { url: link };
  const { host, pathname, search } = new URL(link);
  return { url: `${origin}${pathname}${search}`, headers: { host } };
}

async function waitForRecipient(probe: Probe, holds: (recipient: RecipientView) => boolean) {
  const look = async () => (await findMessage(probe.db, probe.found.messageId ?? ''))?.recipients[0];
  const right = await waitFor(probe, async () => {
    const recipient = await look();
    return recipient && holds(recipient) ? recipient : undefined;
  });
  const seen = right ?? (await look());
  const words = seen ? `${seen.state}, opens ${seen.opens}, clicks ${seen.clicks}` : 'no recipient';
  return right ? pass(words) : fail(words);
}

function toldOf({ inbox, found, runId }: Probe): readonly string[] {
  return inbox.received().flatMap(({ body }) => {
    if (!body.includes(found.messageId ?? '') || !body.includes(`"tag":"${runId}"`)) return [];
    const type = /"type"\s*:\s*"([^"]+)"/.exec(body)?.[1];
    return type === undefined ? [] : [type];
  });
}
