import type { Clock } from '../adapters/clock.ts';
import type { Log } from '../adapters/log.ts';
import type { Random } from '../adapters/random.ts';
import type { Secret } from '../domain/secret.ts';
import type { RegistryShelf } from './registry.ts';
import type { Delivery, Load, MessageRow, StoredMessage } from './messages.ts';
import type { StoredWebhook, WebhookAttempt, WebhookRequest } from './webhook-request.ts';

/** A Postal to stand in for: one organisation, one mail server. Everything but the first four has a default. */
export interface PostalOptions {
  readonly listen: { readonly host: string; readonly port: number };
  /** Postal's `web_hostname`; another Host is answered 403 with an empty body. */
  readonly webHostname: string;
  /** API credentials that are let in. */
  readonly apiKeys: readonly Secret[];
  /** Verified domains; a From: at any other is refused. */
  readonly domains: readonly string[];
  /** Six letters or digits that name the mail server in links, bounces and the envelope sender. */
  readonly serverToken?: string;
  readonly webhook?: { readonly url: string; readonly timeoutMs?: number };
  /** An HTTP endpoint (BodyAsJSON, RawMessage) to which routes bring complaints; none is made without it. */
  readonly inbound?: { readonly url: string };
  /** Keeps what mailctl provisions; forgotten with the process when absent. */
  readonly registry?: RegistryShelf;
  /** PEM of the RSA key that signs webhooks; made at start when absent. */
  readonly signingKey?: Secret;
  /** PEM of the RSA key that signs mail, and its selector; made at start when absent. */
  readonly dkim?: { readonly key?: Secret; readonly selector?: string };
  readonly tracking?: TrackingOptions;
  /** How often a minute of Postal's retry schedules fits into a real one. */
  readonly speed?: number;
  readonly pace?: Partial<Pace>;
  /** What is kept in memory; the oldest messages go first. */
  readonly keep?: { readonly messages?: number; readonly bytes?: number };
  /** Largest request body in octets; real Postal has no limit of its own. */
  readonly maxBodyBytes?: number;
}

/** Postal's tracking domain. Without it mail goes out as it came. */
export interface TrackingOptions {
  /** Where links and pixels point, without a slash at the end; the stand-in's own address when absent. */
  readonly baseUrl?: string;
  /** Points them at the tracking host of the sending domain instead, as long as its DNS is in order. */
  readonly byDomain?: boolean;
  /**
   * Serves links and pixels without the `X-Postal-Track-Host: 1` that Postal's proxy must set. Real Postal never does:
   * it is for a sandbox, where nothing stands in front.
   */
  readonly trackWithoutProxy?: boolean;
}

/** Recipients a second; 0 is as fast as it goes. Postal itself accepts about 85 and delivers about 17. */
export interface Pace {
  readonly acceptPerSecond: number;
  readonly deliverPerSecond: number;
}

/** Postal's speed as measured on two processors: eight connections accepting, one worker delivering. */
export const measuredPace: Pace = { acceptPerSecond: 85, deliverPerSecond: 17 };

/** What the stand-in needs of the world. */
export interface PostalWorld {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly ledger?: Ledger;
  /** Without it mail ends in the stand-in's own mailbox, and every record is found in order. */
  readonly outside?: Outside;
}

/** The world beyond Postal: where mail goes, and what the DNS says. */
export interface Outside {
  /** Takes mail to the mail server of its recipient, and says what was answered; throws where none takes it. */
  carry(mail: {
    readonly from: string;
    readonly to: string;
    readonly raw: Uint8Array;
  }): Promise<{ readonly host: string; readonly reply: string }>;
  /** The values of a record; none where there is none. */
  records(type: 'CNAME' | 'TXT', name: string): Promise<readonly string[]>;
}

/**
 * Told of each row in the order Postal writes it, and waited for: a test that counts in a database of Postal's own
 * schema writes its rows from here. A ledger that throws is Postal's database failing: the request ends in a 500.
 */
export interface Ledger {
  /** What an earlier process stored, by id; what is still queued is delivered now. */
  load?(): Promise<readonly StoredMessage[]>;
  /** Webhooks that an earlier process did not get rid of; they are sent now. */
  loadWebhooks?(): Promise<readonly StoredWebhook[]>;
  messageStored(row: MessageRow): Promise<void>;
  queued(row: MessageRow): Promise<void>;
  delivered(row: MessageRow, delivery: Delivery): Promise<void>;
  /** A report came back; Postal writes a delivery that names it. */
  bounced?(row: MessageRow, bounce: MessageRow): Promise<void>;
  /** The pixel was loaded, or a link followed, which `link` names then. */
  visited?(
    row: MessageRow,
    visit: Load,
    link?: { readonly token: string; readonly url: string },
  ): Promise<void>;
  webhookQueued?(request: WebhookRequest): Promise<void>;
  /** Postal's history of webhooks gets a row; one that is not tried again leaves the queue. */
  webhookTried?(request: WebhookRequest, attempt: WebhookAttempt): Promise<void>;
}
