import type { MessageRow } from './messages.ts';
import { note, type Office } from './office.ts';

const headerEnd = '\r\n\r\n';

/** The recipient's provider reports the message as unwanted (RFC 5965) to the address for complaints of its domain. */
export function complainAbout(office: Office, row: MessageRow): void {
  const report = office.messages.insert({
    direction: 'incoming',
    rcptTo: `complaints@${row.domain}`,
    mailFrom: 'feedback@provider.test',
    subject: 'A complaint about your mail',
    messageId: `arf-${row.token}@provider.test`,
    timestamp: office.stamp(),
    bounce: false,
    domain: row.domain,
    raw: reportOf(row, office.world.clock.now()),
  });
  note(office, row, 'Complained', `the report came in as message ${report.id}`);
  office.bring(report);
}

function reportOf(row: MessageRow, at: Date): Buffer {
  const boundary = `report-${row.token}`;
  const lines = [
    'From: <feedback@provider.test>',
    `To: <complaints@${row.domain}>`,
    'Subject: A complaint about your mail',
    `Message-ID: <arf-${row.token}@provider.test>`,
    `Date: ${at.toUTCString().replace('GMT', '+0000')}`,
    'MIME-Version: 1.0',
    `Content-Type: multipart/report; report-type=feedback-report; boundary="${boundary}"`,
    '',
    `--${boundary}`,
    'Content-Type: text/plain; charset=us-ascii',
    '',
    'A recipient of this message complained about it.',
    '',
    `--${boundary}`,
    'Content-Type: message/feedback-report',
    '',
    'Feedback-Type: abuse',
    'User-Agent: stand-in/1.0',
    'Version: 1',
    '',
    `--${boundary}`,
    'Content-Type: message/rfc822',
    '',
    headerOf(row),
    '',
    '',
    `--${boundary}--`,
    '',
  ];
  return Buffer.from(lines.join('\r\n'), 'latin1');
}

/** Providers give the header back, and seldom the body. */
function headerOf({ delivered }: MessageRow): string {
  const text = delivered?.data.toString('latin1') ?? '';
  return text.slice(0, Math.max(0, text.indexOf(headerEnd)));
}
