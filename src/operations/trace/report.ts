import type { EventDetail } from '../../domain/event.ts';
import type { Hop } from '../../domain/hop.ts';

/** One line of a timeline: what happened where, at the time of that place. */
export interface Entry {
  /** ISO 8601. */
  readonly at: string;
  readonly hop: Hop;
  readonly event: string;
  /** Null where it concerns the whole message. */
  readonly recipient: string | null;
  readonly detail: EventDetail;
}

/** Where a message does not go on, why, and the command that frees it; null where none of ours does. */
export interface Stuck {
  readonly hop: Hop;
  readonly why: string;
  readonly command: string | null;
}

/** A message in the form of the report. Times are ISO 8601. */
export interface ShownMessage {
  readonly id: string;
  /** Ids that it was given when its client sent it again. */
  readonly aliases: readonly string[];
  readonly state: string;
  readonly received_at: string;
  readonly mail_from: string;
  readonly header_message_id: string | null;
  readonly subject: string | null;
  readonly campaign: string | null;
  readonly attempts: number;
  readonly next_attempt_at: string | null;
  /** Where an address was asked for, this recipient alone. */
  readonly recipients: readonly {
    readonly address: string;
    readonly state: string;
    readonly detail: string | null;
    readonly postal_id: number | null;
    readonly opens: number;
    readonly clicks: number;
  }[];
}

export interface Trace {
  /** Null where it was not found: then `stuck` says where it may be. */
  readonly message: ShownMessage | null;
  readonly timeline: readonly Entry[];
  readonly stuck: Stuck | null;
  /** What else was found, newest first. */
  readonly others: readonly Other[];
}

/** Another message that the same words name. */
export type Other = Pick<ShownMessage, 'id' | 'state' | 'received_at' | 'subject'>;

/** A message that was found. */
export interface FoundTrace extends Trace {
  readonly message: ShownMessage;
}
