import type { Id } from './id.ts';

/** What the administrator is told, in ASCII. */
export interface Notice {
  readonly subject: string;
  readonly lines: readonly string[];
}

interface Letterhead {
  readonly id: Id<'msg'>;
  readonly at: Date;
  readonly from: string;
  readonly to: string;
}

/** The notice as a message that no robot answers (RFC 5322, RFC 3834 §5.1). Line breaks cannot leave their line. */
export function noticeMail({ subject, lines }: Notice, { id, at, from, to }: Letterhead): Buffer {
  const header = [
    `From: mailctl <${from}>`,
    `To: <${to}>`,
    `Subject: ${oneLine(subject)}`,
    `Date: ${at.toUTCString().replace('GMT', '+0000')}`,
    `Message-ID: <${id}@${from.slice(from.lastIndexOf('@') + 1)}>`,
    'Auto-Submitted: auto-generated',
    'MIME-Version: 1.0',
    'Content-Type: text/plain; charset=us-ascii',
  ];
  return Buffer.from([...header, '', ...lines.map(oneLine), ''].join('\r\n'));
}

/** What is no printable ASCII, line breaks among it, becomes a question mark; RFC 5322 §2.1.1 ends a line at 998. */
function oneLine(text: string): string {
  return text.replaceAll(/[^\x20-\x7e]/g, '?').slice(0, 900);
}
