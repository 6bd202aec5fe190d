import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';

import { kidOf } from '../../../domain/postal-webhook.ts';
import type { Secret } from '../../../domain/secret.ts';
import { findDeliveryWebhook } from '../../../store/handovers.ts';
import { findMessage } from '../../../store/message-views.ts';

import { type Check, fail, observe, type Observation, type Probe, skip } from '../check.ts';
import { apiHealth } from '../look.ts';

/** What may not be believed on Postal's webhook path, though it looks like Postal. */
export const forgeries: readonly Check[] = [
  {
    id: 'webhook.forged',
    hop: 'postal-webhook',
    expected: 'a webhook signed by a foreign key is refused and changes nothing',
    look: apiHealth,
    needs: ['webhook.delivered', 'http.reachable'],
    run: async (probe) => {
      const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
      const body = await realBody(probe);
      if (!body) return fail('the webhook that made it delivered is not in the database');
      return refusedWithoutEffect(probe, {
        body,
        key: privateKey,
        token: probe.config.POSTAL_WEBHOOK_TOKEN.reveal(),
      });
    },
  },
  {
    id: 'webhook.wrong-token',
    hop: 'postal-webhook',
    expected: 'a right signature with a wrong path token is refused',
    look: apiHealth,
    needs: ['webhook.delivered', 'http.reachable'],
    run: (probe) =>
      withRealKey(probe, async (key, body) =>
        refusedWithoutEffect(probe, { body, key, token: probe.random.letters(43) }),
      ),
  },
  {
    id: 'webhook.replayed',
    hop: 'postal-webhook',
    expected: 'a replayed webhook is answered 200 and counted once',
    look: apiHealth,
    needs: ['webhook.delivered', 'http.reachable'],
    run: (probe) =>
      withRealKey(probe, async (key, body) => {
        const before = await fingerprint(probe);
        const answer = await postWebhook(probe, {
          body,
          key,
          token: probe.config.POSTAL_WEBHOOK_TOKEN.reveal(),
        });
        const same = (await fingerprint(probe)) === before;
        return observe(
          answer.startsWith('200') && answer.includes('replayed') && same,
          `${answer}; ${same ? 'nothing changed' : 'the message changed'}`,
        );
      }),
  },
];

interface Attempt {
  readonly body: Uint8Array;
  readonly key: KeyObject;
  readonly token: string;
}

async function withRealKey(
  probe: Probe,
  work: (key: KeyObject, body: Uint8Array) => Promise<Observation>,
): Promise<Observation> {
  const pem: Secret | undefined = probe.signingKey;
  if (!pem) return skip("Postal's signing key is not on this host (secrets/postal-signing.key)");
  const body = await realBody(probe);
  return body
    ? work(createPrivateKey(pem.reveal()), body)
    : fail('the webhook that made it delivered is not in the database');
}

async function refusedWithoutEffect(probe: Probe, attempt: Attempt): Promise<Observation> {
  const before = await fingerprint(probe);
  const answer = await postWebhook(probe, attempt);
  const same = (await fingerprint(probe)) === before;
  return observe(
    /^4\d\d/.test(answer) && same,
    `${answer}; ${same ? 'nothing changed' : 'the message changed'}`,
  );
}

async function postWebhook({ http, config }: Probe, { body, key, token }: Attempt): Promise<string> {
  const end = await http.exchange({
    method: 'POST',
    url: `${config.API_URL}/webhooks/postal/${token}`,
    headers: {
      'content-type': 'application/json',
      'x-postal-signature-kid': kidOf(createPublicKey(key)),
      'x-postal-signature-256': sign('RSA-SHA256', body, key).toString('base64'),
    },
    body,
    withinMs: config.E2E_TIMEOUT,
  });
  return end.end === 'answered' ? `${end.status} ${end.body.toString('utf8').slice(0, 120)}` : end.why;
}

/** All that a forged or replayed webhook could change. */
async function fingerprint({ db, found }: Probe): Promise<string> {
  const view = await findMessage(db, found.messageId ?? '');
  return JSON.stringify(view?.recipients.map(({ state, opens, clicks }) => [state, opens, clicks]));
}

async function realBody({ db, found }: Probe): Promise<Uint8Array | undefined> {
  return findDeliveryWebhook(db, found.messageId ?? '');
}
