import { type KeyObject, randomUUID, sign } from 'node:crypto';

import { kidOf } from '../../../src/domain/postal-webhook.ts';
import { type ApiUnderTest, signing, webhookToken } from './running-api.ts';

export interface Signed {
  readonly body: Buffer;
  readonly headers: Record<string, string>;
}

/** An event as Postal would send it. */
export function postalEvent(changes: object = {}): Buffer {
  const message = { id: 1, token: 'x', direction: 'outgoing', to: 'a@b.test', from: 'k@acme.test' };
  const event = {
    event: 'MessageSent',
    timestamp: 1795421295.588636,
    payload: { message, status: 'Sent' },
    uuid: randomUUID(),
    ...changes,
  };
  return Buffer.from(JSON.stringify(event));
}

/** Signs as Postal does. */
export function signed(body: Buffer, key: { publicKey: KeyObject; privateKey: KeyObject } = signing): Signed {
  return {
    body,
    headers: {
      'content-type': 'application/json',
      'x-postal-signature-kid': kidOf(key.publicKey),
      'x-postal-signature': sign('RSA-SHA1', body, key.privateKey).toString('base64'),
      'x-postal-signature-256': sign('RSA-SHA256', body, key.privateKey).toString('base64'),
    },
  };
}

/** Sends it to the api; gives the status. */
export async function post(
  api: Pick<ApiUnderTest, 'url'>,
  { body, headers }: Signed,
  token = webhookToken,
): Promise<number> {
  const response = await fetch(`${api.url}/webhooks/postal/${token}`, { method: 'POST', headers, body });
  await response.arrayBuffer();
  return response.status;
}
