import { createHash } from 'node:crypto';

import { textsEqual } from '../../domain/api-key.ts';
import { fingerprintOf } from '../../domain/fingerprint.ts';
import { isSignedBy } from '../../domain/postal-webhook.ts';
import type { Secret } from '../../domain/secret.ts';
import type { InboundMail } from '../../store/inbound-mail.ts';
import type { ReceivedWebhook } from '../../store/postal-webhooks.ts';
import type { Batcher } from '../batcher.ts';
import type { WebhookInResult } from './api-metrics.ts';
import { postalEnvelope, postalInbound } from './contracts/postal-webhook.ts';
import type { PostalKeys } from './postal-keys.ts';

/** A request on the webhook path: what it claims, and the octets it brought. */
export interface ClaimedWebhook {
  /** The token of ours that its path has. */
  readonly token: Secret;
  /** X-Postal-Signature-Kid. */
  readonly kid: string;
  /** X-Postal-Signature-256; the older SHA-1 signature is not believed. */
  readonly signature: string;
  readonly body: Uint8Array;
}

export interface PostalIntake {
  /** The tokens that are valid now: during a rotation two. */
  readonly tokens: () => readonly Secret[];
  readonly keys: PostalKeys;
  /** Hears of each token that a genuine webhook brought. */
  used(token: Secret): void;
  /** True for a token, told by its fingerprint, or a signing key, by its name, whose end has come. */
  hasEnded(kind: 'postal-webhook-token' | 'postal-signing', handle: string): boolean;
  /** Hears of the name of each key that signed one. */
  usedKey(kid: string): void;
  /** Says whether a stored webhook was new. */
  readonly store: Batcher<ReceivedWebhook, 'new' | 'known'>;
  /** Stores mail that a route of Postal brings; false when it was there already. */
  readonly keepMail: (mail: InboundMail) => Promise<boolean>;
}

/** Which token of ours the secret last part of the path is, compared in constant time. */
export function tokenOf({ tokens }: Pick<PostalIntake, 'tokens'>, presented: string): Secret | undefined {
  return tokens().find((token) => textsEqual(token.reveal(), presented));
}

/** Believes what brought our path token only with Postal's signature over its raw octets; then it is stored once, by its uuid. */
export async function receiveWebhook(
  intake: PostalIntake,
  claimed: ClaimedWebhook,
): Promise<WebhookInResult> {
  const doubt = await doubtOf(intake, claimed);
  if (doubt) return doubt;
  const webhook = readWebhook(claimed.body);
  const stored = await intake.store.add(webhook);
  if (stored === 'known') return 'replayed';
  return webhook.quarantined === undefined ? 'accepted' : 'quarantined';
}

/** Believes mail from a route as it does a webhook, and stores it once: Postal may send the same request again. */
export async function receiveMail(intake: PostalIntake, claimed: ClaimedWebhook): Promise<WebhookInResult> {
  const doubt = await doubtOf(intake, claimed);
  if (doubt) return doubt;
  const mail = postalInbound.safeParse(parsed(claimed.body));
  const id = uuidOf(claimed.body);
  if (!mail.success) {
    const quarantined = 'it is no mail in the form RawMessage as BodyAsJSON';
    const stored = await intake.store.add({ uuid: id, event: 'unknown', body: claimed.body, quarantined });
    return stored === 'known' ? 'replayed' : 'quarantined';
  }
  const { rcpt_to: rcptTo, mail_from: mailFrom, message } = mail.data;
  const isNew = await intake.keepMail({ id, rcptTo, mailFrom, raw: Buffer.from(message, 'base64') });
  return isNew ? 'accepted' : 'replayed';
}

/** Why a request is not believed; undefined for one with Postal's signature. */
async function doubtOf(intake: PostalIntake, claimed: ClaimedWebhook): Promise<WebhookInResult | undefined> {
  if (claimed.signature === '' || claimed.kid === '') return 'forged';
  const search = await intake.keys.find(claimed.kid);
  if (search.kind === 'unreachable') return 'unverifiable';
  if (search.kind === 'unknown') return 'unknown_key';
  if (!isSignedBy(search.key, claimed)) return 'forged';
  if (
    intake.hasEnded('postal-signing', claimed.kid) ||
    intake.hasEnded('postal-webhook-token', fingerprintOf(claimed.token))
  )
    return 'expired_key';
  intake.used(claimed.token);
  intake.usedKey(claimed.kid);
  return undefined;
}

function readWebhook(body: Uint8Array): ReceivedWebhook {
  const envelope = postalEnvelope.safeParse(parsed(body));
  if (envelope.success) {
    const { uuid, event } = envelope.data;
    return { uuid: uuid.toLowerCase(), event, body, quarantined: undefined };
  }
  const field = envelope.error.issues[0]?.path.join('.') ?? '';
  const quarantined = field === '' ? 'it is no JSON object' : `its field ${field} is missing or wrong`;
  return { uuid: uuidOf(body), event: 'unknown', body, quarantined };
}

function parsed(body: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(body.buffer, body.byteOffset, body.length).toString('utf8')) as unknown;
  } catch {
    // Genuine, but no JSON: it is kept for the operator.
    return undefined;
  }
}

/** A name for a body that has none of its own: the same body has the same name (RFC 9562 §5.8). */
function uuidOf(body: Uint8Array): string {
  const hex = createHash('sha256').update(body).digest('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
