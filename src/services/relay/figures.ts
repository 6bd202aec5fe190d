import { counter, gauge, type Registry } from '../metrics.ts';
import { replyCode, type ReplyName, type Said } from './replies.ts';
import type { ServedCertificate } from './certificate.ts';

/** What the relay counts of its sessions. */
export interface Figures {
  opened(listener: string): void;
  said(said: Said): void;
  loggedIn(outcome: string): void;
  received(bytes: number): void;
}

/** Where the figures that go up and down are read. */
export interface Gauges {
  openSessions(): number;
  memoryBytes(): number;
  certificate(): ServedCertificate | undefined;
}

/** Registers the relay's metrics. A message that was not stored counts under the code it was answered. */
export function openFigures(registry: Registry, gauges: Gauges): Figures {
  openGauges(registry, gauges);
  const sessions = counter(registry, {
    name: 'mailctl_relay_sessions_total',
    help: 'Connections accepted',
    labels: ['listener'],
  });
  const logins = counter(registry, {
    name: 'mailctl_relay_logins_total',
    help: 'Answers to AUTH',
    labels: ['outcome'],
  });
  const bytes = counter(registry, {
    name: 'mailctl_relay_received_bytes_total',
    help: 'Octets of messages received, stored or not',
    labels: [],
  });
  const said = repliesByName(registry);
  return {
    opened: (listener) => sessions.inc({ listener }),
    said: (what) => said(what),
    loggedIn: (outcome) => logins.inc({ outcome }),
    received: (count) => bytes.inc(count),
  };
}

/** Counted here and told when asked for: a reply is counted on the way of each command. */
function repliesByName(registry: Registry): (said: Said) => void {
  const counts = new Map<ReplyName | undefined, number>();
  counter(registry, {
    name: 'mailctl_relay_replies_total',
    help: 'Replies by code; 250 to end of data is mailctl_relay_accepted_total',
    labels: ['code'],
    collect() {
      this.reset();
      for (const [name, count] of counts) this.inc({ code: String(name ? replyCode(name) : 250) }, count);
    },
  });
  counter(registry, {
    name: 'mailctl_relay_accepted_total',
    help: 'Messages answered 250, which are on disk',
    labels: [],
    collect() {
      this.reset();
      this.inc(counts.get('queued') ?? 0);
    },
  });
  return (said) => {
    const name = nameOf(said);
    counts.set(name, (counts.get(name) ?? 0) + 1);
  };
}

/** The lines of an EHLO reply have no name. */
function nameOf(said: Said): ReplyName | undefined {
  if (typeof said === 'string') return said;
  return 'reply' in said ? said.reply : undefined;
}

function openGauges(registry: Registry, { openSessions, memoryBytes, certificate }: Gauges): void {
  gauge(registry, {
    name: 'mailctl_relay_sessions',
    help: 'Connections open now',
    labels: [],
    collect() {
      this.set(openSessions());
    },
  });
  gauge(registry, {
    name: 'mailctl_relay_memory_bytes',
    help: 'Octets of messages held in memory',
    labels: [],
    collect() {
      this.set(memoryBytes());
    },
  });
  gauge(registry, {
    name: 'mailctl_relay_certificate_expiry_timestamp_seconds',
    help: 'End of the certificate that is served, which has this serial number',
    labels: ['serial'],
    collect() {
      this.reset();
      const served = certificate();
      if (served) this.set({ serial: served.serial() }, served.expiresAt().getTime() / 1000);
    },
  });
}
