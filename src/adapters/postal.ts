import { retryAfterMs } from '../domain/backoff.ts';
import type { Handover, LaneProblem } from '../domain/delivery.ts';
import type { Http, HttpEnd } from './http.ts';
import { type PostalAnswer, postalAnswer } from './postal-contract.ts';
import { type PostalAddress, postalRequest } from './postal-request.ts';

/** Postal's HTTP API, as far as delivering needs it. */
export interface Postal {
  /** Hands a finished message over with `send/raw`. How it ended is a value; the key is in no text of it. */
  send(message: RawMessage): Promise<Handover>;
}

/** A message for `send/raw`. */
export interface RawMessage {
  /** Metadata at Postal, never on the wire: our key for the message. */
  readonly mailFrom: string;
  readonly rcptTo: readonly string[];
  readonly raw: Buffer;
  /** True for the null reverse-path (RFC 5321 §4.5.5). */
  readonly isBounce: boolean;
}

/** A client of one Postal mail server. `http` must not keep connections: see `HttpOptions.keepAlive`. */
export function postalClient(http: Http, address: PostalAddress): Postal {
  return {
    send: async ({ mailFrom, rcptTo, raw, isBounce }) =>
      handover(
        await http.exchange(
          postalRequest(address, 'send/raw', {
            rcpt_to: rcptTo,
            mail_from: mailFrom,
            data: raw.toString('base64'),
            ...(isBounce && { bounce: true }),
          }),
        ),
      ),
  };
}

/** What the end of a `send/raw` says about the message (recorded from Postal 3.3.6). */
export function handover(ended: HttpEnd): Handover {
  if (ended.end === 'not-sent') return blocked('unreachable', `Postal cannot be reached: ${ended.why}`);
  if (ended.end === 'no-answer') return { outcome: 'unclear', reason: `Postal did not answer: ${ended.why}` };
  if (ended.status === 200) return fromBody(ended.body);
  if (ended.status === 429) return slowDown(ended.headers);
  return fromStatus(ended.status);
}

function fromBody(body: Buffer): Handover {
  const answer = parsed(body);
  if (!answer) return { outcome: 'unclear', reason: "Postal's answer is not what its API gives" };
  if (answer.status === 'success')
    return { outcome: 'accepted', recipients: new Map(Object.entries(answer.data.messages)) };
  if (answer.status === 'parameter-error')
    return { outcome: 'refused', reason: `Postal refused the request: ${answer.data.message}` };
  return fromCode(answer.data.code);
}

function parsed(body: Buffer): PostalAnswer | undefined {
  try {
    return postalAnswer.safeParse(JSON.parse(body.toString('utf8'))).data;
  } catch {
    return undefined;
  }
}

function fromCode(code: string): Handover {
  const refusal = refusals.get(code);
  if (refusal) return { outcome: 'refused', reason: refusal };
  const problem = blocks.get(code);
  if (problem) return blocked(...problem);
  return { outcome: 'busy', reason: `Postal answered with the error ${code.slice(0, 60)}` };
}

const refusals: ReadonlyMap<string, string> = new Map([
  [
    'UnauthenticatedFromAddress',
    'the domain of the From header is not a verified domain of this Postal mail server; see: mailctl domains check',
  ],
  ['NoRecipients', 'Postal found no recipient in the request'],
  ['NoContent', 'Postal found no content in the message'],
]);

const blocks: ReadonlyMap<string, readonly [LaneProblem, string]> = new Map([
  ['InvalidServerAPIKey', ['invalid-key', 'Postal does not know POSTAL_API_KEY; see: mailctl postal drift']],
  ['AccessDenied', ['access-denied', 'Postal was shown no usable API key; check POSTAL_API_KEY']],
  ['ServerSuspended', ['suspended', 'the mail server is suspended in Postal; unsuspend it there']],
]);

function fromStatus(status: number): Handover {
  if (status === 413)
    return { outcome: 'refused', reason: 'what stands before Postal refuses a message of this size' };
  if (status === 400) return { outcome: 'busy', reason: 'Postal could not read the request (400)' };
  if (status === 403)
    return blocked('wrong-host', 'Postal answered 403: POSTAL_HOSTNAME is not its web_hostname');
  if (status === 401 || status === 407)
    return blocked('access-denied', `Postal answered ${status}; check POSTAL_URL`);
  if (status < 500)
    return blocked('wrong-host', `Postal answered ${status}: check POSTAL_URL and POSTAL_HOSTNAME`);
  return { outcome: 'unclear', reason: `Postal answered ${status}` };
}

/** A date to come back at is read by the clock of who named it. */
function slowDown({ date, 'retry-after': asked }: Readonly<Record<string, string>>): Handover {
  const waitMs = retryAfterMs(asked, new Date(date ?? Number.NaN)) ?? 0;
  return {
    outcome: 'busy',
    reason: 'what stands before Postal asks to slow down (429)',
    ...(waitMs > 0 && { retryAfterMs: waitMs }),
  };
}

function blocked(problem: LaneProblem, reason: string): Handover {
  return { outcome: 'blocked', problem, reason };
}
