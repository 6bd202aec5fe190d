import type { DkimIdentity } from './dkim.ts';
import type { Faults } from './faults.ts';
import type { MessageRow, MessageTable } from './messages.ts';
import type { PostalWorld } from './options.ts';
import type { Pacer } from './pace.ts';
import type { Registry } from './registry.ts';
import type { RubyValue } from './ruby-json.ts';
import type { WebhookSigner } from './signing.ts';
import type { Stamp } from './stamps.ts';

/** The mail server as its parts see it. */
export interface Office {
  readonly settings: Settings;
  readonly registry: Registry;
  readonly world: PostalWorld;
  readonly messages: MessageTable;
  readonly faults: Faults;
  readonly pacer: Pacer;
  readonly stamp: Stamp;
  readonly signer: WebhookSigner;
  /** Aborted when the stand-in stops; ends every wait. */
  readonly stop: AbortSignal;
  dkim(domain: string): DkimIdentity;
  /** Base of tracked URLs in mail of a domain, or undefined when tracking is off. */
  trackingBase(domain: string): string | undefined;
  /** Hands a stored message to the delivery threads. */
  enqueue(row: MessageRow): void;
  /** Queues a webhook, which is sent in its own time. */
  raise(event: WebhookEvent): Promise<void>;
  /** Posts an incoming message to the HTTP endpoint of its route, in its own time. */
  bring(mail: MessageRow): void;
}

/** One event on its way to the webhook; `row` is the message whose timeline shows it. */
export interface WebhookEvent {
  readonly event: string;
  readonly payload: { readonly [name: string]: RubyValue };
  readonly row?: MessageRow;
}

export interface Settings {
  readonly webHostname: string;
  readonly apiKeys: readonly string[];
  readonly domains: readonly string[];
  readonly serverToken: string;
  readonly trackWithoutProxy: boolean;
  readonly speed: number;
  readonly maxBodyBytes: number;
}

/** Adds a line to the timeline that the mailbox page shows. */
export function note(office: Office, row: MessageRow, event: string, detail: string): void {
  row.timeline.push({ at: office.stamp(), event, detail });
}
