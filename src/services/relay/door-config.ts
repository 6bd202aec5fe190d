import type { ConfigOf } from '../../config/environment.ts';
import type { Patience } from './patience.ts';
import type { Policy, Protection } from './session.ts';

/** The variables that the listeners and their sessions read. */
export type DoorConfig = Pick<
  ConfigOf<'relay'>,
  | 'RELAY_HOSTNAME'
  | 'MAIL_DOMAIN'
  | 'RELAY_PROXY_FROM'
  | 'RELAY_SUBMISSION_LISTEN'
  | 'RELAY_TLS_LISTEN'
  | 'RELAY_PRIVATE_LISTEN'
  | `RELAY_MAX_${'CONNECTIONS' | 'MESSAGE_BYTES' | 'LINE_BYTES' | 'COMMAND_BYTES' | 'RECIPIENTS'}`
  | `RELAY_MAX_${'COMMANDS' | 'ERRORS' | 'LOGIN_FAILURES'}`
  | `RELAY_${'GREETING_DELAY' | 'TLS_HANDSHAKE_TIMEOUT' | 'LOGIN_TIMEOUT' | 'IDLE_TIMEOUT' | 'DATA_TIMEOUT'}`
  | `RELAY_${'SESSION_TIMEOUT' | 'LINGER_TIMEOUT' | 'SWEEP_INTERVAL' | 'SHUTDOWN_TIMEOUT'}`
>;

/** What a session of a listener may do. */
export function policyOf(
  config: DoorConfig,
  protection: Protection,
): Policy & { readonly maxCommandBytes: number } {
  return {
    hostname: config.RELAY_HOSTNAME,
    mailDomain: config.MAIL_DOMAIN,
    protection,
    maxMessageBytes: config.RELAY_MAX_MESSAGE_BYTES,
    maxLineBytes: config.RELAY_MAX_LINE_BYTES,
    maxRecipients: config.RELAY_MAX_RECIPIENTS,
    maxCommands: config.RELAY_MAX_COMMANDS,
    maxErrors: config.RELAY_MAX_ERRORS,
    maxLoginFailures: config.RELAY_MAX_LOGIN_FAILURES,
    maxCommandBytes: config.RELAY_MAX_COMMAND_BYTES,
  };
}

/** How long its clients may take. */
export function patienceOf(config: DoorConfig): Patience {
  return {
    handshakeMs: config.RELAY_TLS_HANDSHAKE_TIMEOUT,
    loginMs: config.RELAY_LOGIN_TIMEOUT,
    idleMs: config.RELAY_IDLE_TIMEOUT,
    dataMs: config.RELAY_DATA_TIMEOUT,
    sessionMs: config.RELAY_SESSION_TIMEOUT,
    lingerMs: config.RELAY_LINGER_TIMEOUT,
  };
}
