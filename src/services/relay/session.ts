import type { MessageRate } from '../../domain/message-rate.ts';
import type { Envelope } from '../../domain/submission.ts';
import type { DataEnd } from './data.ts';
import type { Said } from './replies.ts';
import type { Login } from './sasl.ts';

/** How TLS comes to a listener: after STARTTLS, from the first octet, or not at all because the network is private. */
export type Protection = 'starttls' | 'implicit' | 'private';

/** What a session may do; the same for all sessions of a listener. */
export interface Policy {
  readonly hostname: string;
  readonly mailDomain: string;
  readonly protection: Protection;
  readonly maxMessageBytes: number;
  readonly maxLineBytes: number;
  readonly maxRecipients: number;
  readonly maxCommands: number;
  readonly maxErrors: number;
  readonly maxLoginFailures: number;
}

/** An SMTP credential that was proven, and the domains its mail may be from; no domains means any. */
export interface Credential {
  readonly id: string;
  readonly username: string;
  readonly senderDomains: readonly string[];
  /** Networks (CIDR) it may log in from; none means anywhere. */
  readonly networks?: readonly string[] | undefined;
  readonly rate?: MessageRate | undefined;
  /** From when on the password it logged in with is refused (ISO 8601). */
  readonly endsAt?: string | undefined;
  /** Messages a UTC day, and how many of them the api counted `at` that time. */
  readonly daily?: { readonly limit: number; readonly sent: number; readonly at: string } | undefined;
}

/** Where the dialogue stands. While it asks, no input but the answer (or an end) is given to it. */
export type Stage =
  | { readonly at: 'door' | 'commands' | 'securing' | 'verifying' | 'data' | 'storing' | 'gone' }
  | { readonly at: 'permitting'; readonly from: string }
  | { readonly at: 'plain' | 'login-username' }
  | { readonly at: 'login-password'; readonly username: string };

/** All that is known of a client so far. */
export interface Session {
  readonly stage: Stage;
  readonly secure: boolean;
  readonly client: { readonly name: string; readonly extended: boolean } | undefined;
  readonly credential: Credential | undefined;
  readonly envelope: Envelope | undefined;
  /** Since the last stored message: floods end, however much mail a good client sends. */
  readonly commands: number;
  readonly errors: number;
  readonly loginFailures: number;
  /** The service stops: what is in flight ends, nothing new begins. */
  readonly closing: boolean;
}

/** What the dialogue needs of the world; each is answered by the input of the same name. */
export type Ask =
  | { readonly ask: 'admit' }
  | { readonly ask: 'secure' }
  | { readonly ask: 'verify'; readonly login: Login }
  | { readonly ask: 'permit'; readonly credential: Credential }
  | {
      readonly ask: 'store';
      readonly credential: Credential;
      readonly envelope: Envelope;
      readonly client: { readonly name: string; readonly extended: boolean };
      readonly secure: boolean;
    };

/** What happened to a session. */
export type Input =
  | { readonly got: 'line'; readonly line: string }
  | { readonly got: 'long-line' | 'bare-line-end' | 'early-octets' }
  | { readonly got: 'data'; readonly end: DataEnd }
  | { readonly got: 'admit'; readonly answer: AdmitAnswer }
  | { readonly got: 'secure' }
  | { readonly got: 'verify'; readonly answer: VerifyAnswer }
  | { readonly got: 'permit'; readonly answer: PermitAnswer }
  | { readonly got: 'store'; readonly answer: StoreAnswer }
  | { readonly got: 'timeout' | 'shutdown' | 'fault' };

/** Whether a connection may speak at all. */
export type AdmitAnswer = 'welcome' | 'full' | 'turned-away';

/** Whether a credential that was proven may still begin a message. */
export type PermitAnswer =
  | { readonly outcome: 'permitted'; readonly credential: Credential }
  | { readonly outcome: 'revoked' | 'unavailable' }
  | { readonly outcome: 'limited'; readonly said: Said };

/** `locked` ends the session without a word on the password; `expired` is said of one that was right, and is no guess. */
export type VerifyAnswer =
  | { readonly outcome: 'accepted'; readonly credential: Credential }
  | { readonly outcome: 'refused' | 'expired' | 'unavailable' | 'locked' };

/** `stored` names the id under which the message is durable; `refused` is the reply that says why not. */
export type StoreAnswer =
  | { readonly outcome: 'stored'; readonly id: string }
  | { readonly outcome: 'refused'; readonly said: Said };

/** The next state, what is said to the client, and what the world is asked. */
export interface Turn {
  readonly session: Session;
  readonly say?: readonly Said[];
  readonly ask?: Ask;
}

/** A session before its first input, which is the answer to `admit`. */
export function openSession(protection: Protection): Session {
  return {
    stage: { at: 'door' },
    secure: protection === 'implicit',
    client: undefined,
    credential: undefined,
    envelope: undefined,
    commands: 0,
    errors: 0,
    loginFailures: 0,
    closing: false,
  };
}

/**
 * The same session, in some things another. Every field is named: to copy an object with `...` takes ten times as long, and a message
 * takes ten copies.
 */
export function changed(session: Session, changes: Partial<Session>): Session {
  const { stage, secure, client, credential, envelope, commands, errors, loginFailures, closing } = session;
  const copy = { stage, secure, client, credential, envelope, commands, errors, loginFailures, closing };
  return Object.assign(copy, changes);
}

/** The same session, further on. */
export function moved(session: Session, to: Stage['at'] & Plain, changes?: Partial<Session>): Session {
  const copy = changed(session, { stage: { at: to } });
  return changes ? Object.assign(copy, changes) : copy;
}

type Plain = Exclude<Stage, { readonly from: string } | { readonly username: string }>['at'];
