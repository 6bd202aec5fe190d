import type { Delivery } from './messages.ts';
import type { Office, WebhookEvent } from './office.ts';
import { float, type RubyValue } from './ruby-json.ts';
import { randomUuid } from './tokens.ts';
import { deliveryPayload } from './webhook-payloads.ts';

export type RaisedEvent = 'DomainDNSError' | 'SendLimitApproaching' | 'SendLimitExceeded' | 'IncomingMessage';

const writers: Readonly<Record<RaisedEvent, (office: Office) => WebhookEvent>> = {
  DomainDNSError: (office) => ({ event: 'DomainDNSError', payload: domainError(office) }),
  SendLimitApproaching: (office) => limitEvent(office, 'SendLimitApproaching', 80),
  SendLimitExceeded: (office) => limitEvent(office, 'SendLimitExceeded', 83),
  IncomingMessage: incomingMessage,
};

/** The webhook Postal sends for what happens beside our mail; made up, but in Postal's shape. */
export function writeRaisedEvent(office: Office, event: RaisedEvent): WebhookEvent {
  return writers[event](office);
}

function domainError(office: Office): Record<string, RubyValue> {
  const domain = office.settings.domains[0] ?? '';
  const spfHost = `spf.${office.settings.webHostname}`;
  return {
    server: serverOf(office),
    domain,
    uuid: randomUuid(office.world.random),
    dns_checked_at: float(office.stamp()),
    spf_status: 'Invalid',
    spf_error: `An SPF record exists but it doesn't include ${spfHost}`,
    dkim_status: 'Missing',
    dkim_error: `No TXT records were returned for ${office.dkim(domain).selector}._domainkey.${domain}`,
    mx_status: 'OK',
    mx_error: null,
    return_path_status: 'OK',
    return_path_error: null,
  };
}

function limitEvent(office: Office, event: string, volume: number): WebhookEvent {
  return { event, payload: { server: serverOf(office), volume, limit: 83 } };
}

function serverOf(office: Office): Record<string, RubyValue> {
  return { uuid: randomUuid(office.world.random), name: 'main', permalink: 'main', organization: 'sandbox' };
}

function incomingMessage(office: Office): WebhookEvent {
  const domain = office.settings.domains[0] ?? '';
  const raw = Buffer.from(
    `From: someone@example.net\r\nTo: probe@${domain}\r\nSubject: probe\r\n\r\nprobe\r\n`,
  );
  const row = office.messages.insert({
    direction: 'incoming',
    rcptTo: `probe@${domain}`,
    mailFrom: 'someone@example.net',
    subject: 'probe',
    messageId: `${randomUuid(office.world.random)}@example.net`,
    timestamp: office.stamp(),
    bounce: false,
    domain,
    raw,
  });
  const delivery: Delivery = {
    id: 0,
    status: 'Sent',
    details: 'Received a 200 from http://127.0.0.1/inbound',
    output: 'ok',
    sentWithSsl: false,
    time: 0,
    timestamp: office.stamp(),
  };
  const payload = deliveryPayload(row, delivery);
  return { event: 'MessageSent', row, payload };
}
