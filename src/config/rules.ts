import type { VariableName } from './environment.ts';
import type { Problem } from './resolve.ts';

/** Parsed values by name; a variable that this room does not read, or that is wrong by itself, is absent. */
export type Values = ReadonlyMap<VariableName, unknown>;

/** What must hold between variables. Each looks only when all it needs is there. */
export const rules: readonly ((values: Values) => Problem | undefined)[] = [
  certificateAndKeyComeTogether,
  tlsListenersNeedACertificate,
  someListenerIsOpen,
  leaseOutlastsAHandOver,
  postalAnswersAllHandOvers,
  postalDatabaseIsWhole,
];

function certificateAndKeyComeTogether(values: Values): Problem | undefined {
  if (!values.has('RELAY_TLS_CERT_FILE') || !values.has('RELAY_TLS_KEY_FILE')) return undefined;
  const certificate = values.get('RELAY_TLS_CERT_FILE');
  const key = values.get('RELAY_TLS_KEY_FILE');
  if ((certificate === undefined) === (key === undefined)) return undefined;
  const missing = certificate === undefined ? 'RELAY_TLS_CERT_FILE' : 'RELAY_TLS_KEY_FILE';
  return { name: missing, message: 'is missing: a certificate and its key are set together' };
}

function tlsListenersNeedACertificate(values: Values): Problem | undefined {
  if (values.get('RELAY_TLS_CERT_FILE') !== undefined || !values.has('RELAY_TLS_CERT_FILE')) return undefined;
  const open = (['RELAY_SUBMISSION_LISTEN', 'RELAY_TLS_LISTEN'] as const).find(
    (name) => values.get(name) !== undefined,
  );
  if (!open) return undefined;
  return {
    name: 'RELAY_TLS_CERT_FILE',
    message: `is missing: ${open} offers TLS; set it and RELAY_TLS_KEY_FILE, or set the listeners to off`,
  };
}

const listeners = ['RELAY_SUBMISSION_LISTEN', 'RELAY_TLS_LISTEN', 'RELAY_PRIVATE_LISTEN'] as const;

function someListenerIsOpen(values: Values): Problem | undefined {
  if (listeners.some((name) => !values.has(name) || values.get(name) !== undefined)) return undefined;
  return { name: listeners[0], message: 'all three RELAY_*_LISTEN are off: open at least one' };
}

function leaseOutlastsAHandOver(values: Values): Problem | undefined {
  const lease = values.get('WORKER_LEASE');
  const timeout = values.get('POSTAL_TIMEOUT');
  if (typeof lease !== 'number' || typeof timeout !== 'number' || lease > timeout) return undefined;
  return {
    name: 'WORKER_LEASE',
    message: 'must be longer than POSTAL_TIMEOUT, or two workers hold one message',
  };
}

/** Of one worker: how many there are stands in no variable. */
function postalAnswersAllHandOvers(values: Values): Problem | undefined {
  const requests = values.get('POSTAL_CONCURRENCY');
  const threads = values.get('POSTAL_WEB_THREADS');
  if (typeof requests !== 'number' || typeof threads !== 'number' || requests <= threads) return undefined;
  return {
    name: 'POSTAL_CONCURRENCY',
    message:
      'must be at most POSTAL_WEB_THREADS, or hand-overs run into POSTAL_TIMEOUT while they wait in Postal for a thread: lower it, or raise POSTAL_WEB_THREADS',
  };
}

const access = ['POSTAL_DB_HOST', 'POSTAL_DB_USER', 'POSTAL_DB_PASSWORD'] as const;

/** The password alone is what `init` made; it is used where the host is named, as in a container. */
function postalDatabaseIsWhole(values: Values): Problem | undefined {
  if (access.some((name) => !values.has(name)) || values.get('POSTAL_DB_HOST') === undefined)
    return undefined;
  const missing = access.find((name) => values.get(name) === undefined);
  if (!missing) return undefined;
  return { name: missing, message: `is missing: ${access.join(', ')} are set together, or none of them` };
}
