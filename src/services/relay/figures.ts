import { type Counter, counter, gauge, type Registry } from '../metrics.ts';
import { replies, replyCode, type ReplyName, type Said } from './replies.ts';
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

/** Every reply has its own child, found once: a reply is counted on the way of each command. */
function repliesByName(registry: Registry): (said: Said) => void {
  const byCode: Counter<'code'> = counter(registry, {
    name: 'mailctl_relay_replies_total',
    help: 'Replies by code; 250 to end of data is mailctl_relay_accepted_total',
    labels: ['code'],
  });
  const accepted = counter(registry, {
    name: 'mailctl_relay_accepted_total',
    help: 'Messages answered 250, which are on disk',
    labels: [],
  });
  const children = new Map(
    Object.keys(replies).map((name) => [name, byCode.labels({ code: codeOf(name) })] as const),
  );
  const greeting = byCode.labels({ code: '250' });
  return (said) => {
    const name = nameOf(said);
    (name === undefined ? greeting : children.get(name))?.inc();
    if (name === 'queued') accepted.inc();
  };
}

function nameOf(said: Said): ReplyName | undefined {
  if (typeof said === 'string') return said;
  return 'reply' in said ? said.reply : undefined;
}

function codeOf(name: string): string {
  return name in replies ? String(replyCode(name as ReplyName)) : '';
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
