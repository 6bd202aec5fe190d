import { authenticatedDomain } from './accept.ts';
import { type ApiAnswer, type ApiParams, failure, isBlank, missing } from './api-answers.ts';
import type { Office } from './office.ts';
import { send } from './send.ts';

/** `send/raw`: a ready message for any number of recipients. `mail_from` is kept, never used on the wire. */
export async function sendRaw(office: Office, params: ApiParams): Promise<ApiAnswer> {
  const { rcpt_to: rcptTo, mail_from: mailFrom, data, bounce } = params;
  if (!Array.isArray(rcptTo)) return missing('rcpt_to');
  if (isBlank(mailFrom)) return missing('mail_from');
  if (isBlank(data)) return missing('data');
  const raw = Buffer.from(String(data), 'base64');
  const domain = authenticatedDomain(office, raw);
  if (domain === undefined) return failure('UnauthenticatedFromAddress');
  return send(office, '/api/v1/send/raw', {
    raw,
    domain,
    mailFrom: String(mailFrom),
    rcptTo: rcptTo.map(String),
    bounce: !isBlank(bounce),
  });
}
