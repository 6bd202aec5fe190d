import type { MessageRow } from './messages.ts';
import { note, type Office } from './office.ts';
import { codeFor, refusalOf } from './outcomes.ts';
import { bouncePayload } from './webhook-payloads.ts';

/** A delivery report comes back to the envelope sender (RFC 3464), and Postal tells of it. */
export async function bounceMail(office: Office, row: MessageRow): Promise<void> {
  const { serverToken } = office.settings;
  const exchange = `mx.${row.rcptTo.slice(row.rcptTo.lastIndexOf('@') + 1)}`;
  const bounce = office.messages.insert({
    direction: 'incoming',
    rcptTo: `${serverToken}@psrp.${row.domain}`,
    mailFrom: '',
    subject: 'Undelivered Mail Returned to Sender',
    messageId: `dsn-${row.token}@${exchange}`,
    timestamp: office.stamp(),
    bounce: true,
    domain: row.domain,
    raw: reportOf(row, exchange, office.world.clock.now()),
  });
  row.status = 'Bounced';
  note(office, row, 'Bounced', `report came back as message ${bounce.id}`);
  await office.world.ledger?.bounced?.(row, bounce);
  await office.raise({ event: 'MessageBounced', row, payload: bouncePayload(row, bounce) });
}

function reportOf(row: MessageRow, exchange: string, at: Date): Buffer {
  const boundary = `report-${row.token}`;
  const lines = [
    `From: Mail Delivery System <mailer-daemon@${exchange}>`,
    `Subject: Undelivered Mail Returned to Sender`,
    `Message-ID: <dsn-${row.token}@${exchange}>`,
    `Date: ${at.toUTCString().replace('GMT', '+0000')}`,
    'MIME-Version: 1.0',
    `Content-Type: multipart/report; report-type=delivery-status; boundary="${boundary}"`,
    '',
    `--${boundary}`,
    'Content-Type: text/plain; charset=us-ascii',
    '',
    `Your message to ${row.rcptTo} could not be delivered.`,
    '',
    `--${boundary}`,
    'Content-Type: message/delivery-status',
    '',
    `Reporting-MTA: dns; ${exchange}`,
    '',
    `Final-Recipient: rfc822; ${row.rcptTo}`,
    `Action: ${codeFor(row.rcptTo).startsWith('4') ? 'delayed' : 'failed'}`,
    `Status: ${codeFor(row.rcptTo)}`,
    `Diagnostic-Code: smtp; ${refusalOf(row.rcptTo)}`,
    '',
    `--${boundary}`,
    'Content-Type: text/rfc822-headers',
    '',
    `X-Postal-MsgID: ${row.token}`,
    `Message-ID: <${row.messageId ?? ''}>`,
    '',
    `--${boundary}--`,
    '',
  ];
  return Buffer.from(lines.join('\r\n'));
}
