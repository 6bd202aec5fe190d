import { dkimSignature } from './dkim.ts';
import type { DeliveredMail, MessageRow } from './messages.ts';
import type { Office } from './office.ts';
import { trackMessage } from './track-mail.ts';

/** The message as it reaches the recipient: CRLF, tracked, with Postal's fields and its signature on top. */
export async function dressMail(office: Office, row: MessageRow): Promise<DeliveredMail> {
  const at = office.stamp();
  const tracked = await track(office, row, withCrlf(row.raw));
  const envelopeFrom = `${office.settings.serverToken}@psrp.${row.domain}`;
  const signature = dkimSignature(tracked, office.dkim(row.domain), at);
  const fields = [`Resent-Sender: ${envelopeFrom}\r\n`, signature, `X-Postal-MsgID: ${row.token}\r\n`].join(
    '',
  );
  return { at, envelopeFrom, data: Buffer.concat([Buffer.from(fields, 'latin1'), tracked]) };
}

async function track(office: Office, row: MessageRow, mail: Buffer): Promise<Buffer> {
  const base = office.trackingBase(row.domain);
  if (base === undefined) return mail;
  const { serverToken } = office.settings;
  return trackMessage(mail, {
    linkBase: `${base}/${serverToken}`,
    pixelUrl: `${base}/img/${serverToken}/${row.token}`,
    addLink: (url) => office.messages.links.add({ row, url }),
  });
}

function withCrlf(raw: Buffer): Buffer {
  const text = raw.toString('latin1');
  return /(?:^|[^\r])\n/.test(text) ? Buffer.from(text.replaceAll(/\r?\n/g, '\r\n'), 'latin1') : raw;
}
