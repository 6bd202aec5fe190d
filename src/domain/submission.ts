import type { Id } from './id.ts';

/** A message as it was accepted, before anything was done to it. One type for journal, wire and store. */
export interface Submission {
  readonly id: Id<'msg'>;
  readonly receivedAt: Date;
  readonly source: 'smtp' | 'http';
  /** SMTP credential or API key that was proven when it was received. */
  readonly credentialId: string;
  readonly envelope: Envelope;
  /** Name the client gave in EHLO and the address it came from; both stand in the Received field of what came over SMTP. */
  readonly client: { readonly name: string; readonly address: string };
  /** Present where the client named the message itself, so that sending it again can be recognised. */
  readonly dedupe?: Dedupe;
  /** RFC 5322 message with CRLF line ends, not dot-stuffed, as it goes to Postal. */
  readonly raw: Uint8Array;
}

/** RFC 5321 §2.3.1. The null reverse-path is the empty string. */
export interface Envelope {
  readonly mailFrom: string;
  readonly rcptTo: readonly string[];
}

/** `key` is the client's Message-ID or X-Idempotency-Key, `digest` SHA-256 over credential, envelope and DATA octets. */
export interface Dedupe {
  readonly key: string;
  readonly digest: Uint8Array;
}

/** What the api decided on one submission of a batch. */
export type Verdict =
  | { readonly id: Id<'msg'>; readonly verdict: 'stored' }
  | { readonly id: Id<'msg'>; readonly verdict: 'alias'; readonly of: Id<'msg'> }
  | { readonly id: Id<'msg'>; readonly verdict: 'refused'; readonly reason: string };
