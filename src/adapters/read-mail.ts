import { dkimVerify } from 'mailauth';
import PostalMime from 'postal-mime';

/** A received message, opened. */
export interface ReadMail {
  readonly subject: string;
  readonly html: string;
  readonly text: string;
  /** First field of a name, in lower case. */
  field(name: string): string | undefined;
  attachment(filename: string): Uint8Array | undefined;
}

/** Opens a message: transfer encodings undone, character sets read. */
export async function readMail(raw: Uint8Array): Promise<ReadMail> {
  const mail = await PostalMime.parse(raw, { attachmentEncoding: 'arraybuffer' });
  return {
    subject: mail.subject ?? '',
    html: mail.html ?? '',
    text: mail.text ?? '',
    field: (name) => mail.headers.find(({ key }) => key === name)?.value,
    attachment: (filename) => {
      const content = mail.attachments.find((part) => part.filename === filename)?.content;
      return content instanceof ArrayBuffer ? new Uint8Array(content) : undefined;
    },
  };
}

/** A published TXT record. */
export interface TextRecord {
  readonly name: string;
  readonly value: string;
}

/** Verifies the DKIM signatures (RFC 6376) and says each result: `pass d=example.com s=postal`. Asks DNS unless given the records. */
export async function verifyDkim(
  raw: Uint8Array,
  records?: readonly TextRecord[],
): Promise<readonly string[]> {
  const resolver = records && (async (name: string) => answer(records, name));
  const { results } = await dkimVerify(Buffer.from(raw), resolver ? { resolver } : {});
  return results.map(
    ({ status, signingDomain, selector }) => `${status.result} d=${signingDomain} s=${selector}`,
  );
}

function answer(records: readonly TextRecord[], name: string): string[][] {
  const found = records.filter((record) => record.name === name).map((record) => [record.value]);
  if (found.length > 0) return found;
  throw Object.assign(new Error(`no TXT record at ${name}`), { code: 'ENOTFOUND' });
}
