import type { MessageRow } from './messages.ts';
import type { RubyValue } from './ruby-json.ts';

/** A webhook on its way: the same octets and signatures on every attempt. */
export interface WebhookRequest {
  readonly uuid: string;
  readonly event: string;
  readonly url: string;
  readonly body: Buffer;
  readonly headers: Readonly<Record<string, string>>;
  readonly payload: { readonly [name: string]: RubyValue };
  /** Seconds since 1970. */
  readonly createdAt: number;
  readonly row: MessageRow | undefined;
  attempts: number;
}

/** A webhook that waits, as Postal's queue keeps it over a restart: it is signed when it is sent. */
export type StoredWebhook = Pick<
  WebhookRequest,
  'uuid' | 'event' | 'url' | 'body' | 'payload' | 'createdAt' | 'attempts'
>;

/** One attempt, as Postal's history of webhook requests shows it. */
export interface WebhookAttempt {
  readonly uuid: string;
  readonly event: string;
  readonly attempt: number;
  /** HTTP status; -1 timeout, -2 no connection, as Postal stores them. */
  readonly status_code: number;
  readonly will_retry: boolean;
  readonly timestamp: number;
}
