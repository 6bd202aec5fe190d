import type { Clock } from '../../adapters/clock.ts';
import type { Http } from '../../adapters/http.ts';
import type { Database } from '../../adapters/postgres.ts';
import type { Prober } from '../../adapters/prober.ts';
import type { Random } from '../../adapters/random.ts';
import type { ReadMail } from '../../adapters/read-mail.ts';
import type { SmtpConversation, SmtpServer } from '../../adapters/smtp.ts';
import type { WebhookInbox } from '../../adapters/webhook-inbox.ts';
import type { ConfigOf } from '../../config/environment.ts';
import type { Hop } from '../../domain/hop.ts';
import type { Secret } from '../../domain/secret.ts';
import type { Mailbox } from './mailbox.ts';

/** What one check saw. `hop` is given where the blame is another station's than the check's own. */
export type Observation =
  | { readonly result: 'pass'; readonly seen: string }
  | { readonly result: 'fail'; readonly seen: string; readonly hop?: Hop }
  | { readonly result: 'skipped'; readonly seen: string };

/** One thing that must be true, and where to look when it is not. */
export interface Check {
  readonly id: string;
  readonly hop: Hop;
  readonly expected: string;
  /** The command that shows more. */
  look(probe: Probe): string;
  /** Ids of checks without whose success this one says nothing. */
  readonly needs: readonly string[];
  run(probe: Probe): Promise<Observation>;
}

/** What the checks share: the way to every station, and what earlier checks found. */
export interface Probe {
  readonly runId: string;
  readonly config: ConfigOf<'operator'>;
  readonly clock: Clock;
  readonly random: Random;
  readonly db: Database;
  readonly http: Http;
  readonly prober: Prober;
  readonly smtp: SmtpServer;
  /** Certificate that vouches for the relay's; undefined trusts the public ones. */
  readonly ca: string | undefined;
  readonly offersTls: boolean;
  readonly sender: string;
  readonly recipient: string;
  readonly user: { readonly username: string; readonly password: Secret };
  readonly apiKey: Secret;
  readonly expiredApiKey: Secret;
  readonly endpointSecret: Secret;
  readonly inbox: WebhookInbox;
  readonly mailbox: Mailbox | undefined;
  /** Postal's signing key, PEM, where this host has it. */
  readonly signingKey: Secret | undefined;
  readonly found: Found;
}

/** What checks leave for later ones. */
export interface Found {
  session?: SmtpConversation;
  /** Octets sent as the attachment, which must arrive untouched. */
  attachment?: Uint8Array;
  messageId?: string;
  postalKey?: string;
  mail?: ReadMail;
  raw?: Uint8Array;
  httpMessageId?: string;
}

/** The address that is clicked in the test message. */
export const linkTarget = 'https://example.com/mailctl-e2e?a=1&b=2';

/** It is as expected. */
export function pass(seen: string): Observation {
  return { result: 'pass', seen };
}

/** It is not as expected; `hop` is to blame where it is not the check's own. */
export function fail(seen: string, hop?: Hop): Observation {
  return hop ? { result: 'fail', seen, hop } : { result: 'fail', seen };
}

/** It cannot be said here, and why. */
export function skip(why: string): Observation {
  return { result: 'skipped', seen: why };
}

/** Passes when `ok`; what was seen is said either way. */
export function observe(ok: boolean, seen: string): Observation {
  return ok ? pass(seen) : fail(seen);
}

/** Looks until there is something to see or E2E_TIMEOUT is over; then undefined. */
export async function waitFor<T>(
  { clock, config }: Probe,
  look: () => Promise<T | undefined>,
): Promise<T | undefined> {
  const end = clock.monotonicMs() + config.E2E_TIMEOUT;
  for (;;) {
    const seen = await look();
    if (seen !== undefined || clock.monotonicMs() > end) return seen;
    await clock.sleep(config.E2E_POLL_INTERVAL);
  }
}
