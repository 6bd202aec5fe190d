import { Secret } from '../../src/domain/secret.ts';
import { askSurely, type Answered } from '../postal-stand-in/http-client.ts';
import { apiKey, startTestPostal, webHostname } from '../postal-stand-in/stand-in.ts';

/** A Postal that the recorded exchanges are run against. */
export interface PostalTarget extends AsyncDisposable {
  readonly url: string;
  readonly webHostname: string;
  readonly apiKey: string;
  readonly serverToken: string;
  /** The message as it reached a recipient; a real Postal has no mailbox to look into. */
  delivered?(id: number): Promise<Buffer>;
  /** Keeps mail to an address from being delivered while its row is looked at. */
  withhold?(rcptTo: string): void;
}

/** The Postal that POSTAL_CONTRACT_URL names, else a stand-in; a real one needs the verified domain acme.test. */
export async function openTarget(): Promise<PostalTarget> {
  const { POSTAL_CONTRACT_URL: url } = process.env;
  return url ? realPostal(url) : standIn();
}

function realPostal(url: string): PostalTarget {
  const {
    POSTAL_CONTRACT_HOSTNAME: hostname = new URL(url).hostname,
    POSTAL_CONTRACT_API_KEY: key = '',
    POSTAL_CONTRACT_SERVER_TOKEN: serverToken = '',
  } = process.env;
  return {
    url,
    webHostname: hostname,
    apiKey: key,
    serverToken,
    [Symbol.asyncDispose]: async () => undefined,
  };
}

async function standIn(): Promise<PostalTarget> {
  const running = await startTestPostal({
    apiKeys: [new Secret(apiKey)],
    tracking: { baseUrl: 'http://click.acme.test' },
  });
  const { postal } = running;
  return {
    url: postal.url,
    webHostname,
    apiKey,
    serverToken: postal.serverToken,
    delivered: async (id) => {
      await postal.idle();
      const mail = postal.delivered(id);
      if (!mail) throw new Error(`message ${id} was not delivered`);
      return mail;
    },
    withhold: (rcptTo) => postal.order({ kind: 'delivery-withheld', count: 1, scope: { rcpt_to: rcptTo } }),
    [Symbol.asyncDispose]: () => running[Symbol.asyncDispose](),
  };
}

/** Sends a raw message and answers the row of its only recipient. */
export async function deliverRaw(
  target: PostalTarget,
  rcptTo: string,
  raw: Buffer,
): Promise<{ id: number; token: string }> {
  const answer: Answered = await askSurely(target.url, {
    method: 'POST',
    path: '/api/v1/send/raw',
    headers: {
      host: target.webHostname,
      'content-type': 'application/json',
      'x-server-api-key': target.apiKey,
    },
    body: JSON.stringify({ rcpt_to: [rcptTo], mail_from: 'news@acme.test', data: raw.toString('base64') }),
  });
  return JSON.parse(answer.text).data.messages[rcptTo];
}
