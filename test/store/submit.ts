import { systemRandom } from '../../src/adapters/random.ts';
import type { Database } from '../../src/adapters/postgres.ts';
import { newId } from '../../src/domain/id.ts';
import type { Priority } from '../../src/domain/priority.ts';
import { postalKeyFor } from '../../src/domain/postal-key.ts';
import { insertSubmissions } from '../../src/store/messages.ts';

/** What a test may choose of a message. */
export interface NewMail {
  readonly from: string;
  readonly mailFrom: string;
  readonly to: readonly string[];
  readonly sendAt: Date;
  readonly credentialId: string;
  readonly tag: string;
  readonly receivedAt: Date;
  readonly priority: Priority;
}

/** Stores a message as the api does and returns its id. */
export async function submit(db: Database, mail: Partial<NewMail> = {}): Promise<string> {
  const { from = 'news@acme.test', mailFrom = from, to = ['ann@example.test'], sendAt } = mail;
  const { credentialId = 'mk_test', tag = 'greeting', receivedAt = new Date(Date.now() - 1000) } = mail;
  const raw = Buffer.from(
    `From: <${from}>\r\nTo: <${to[0]}>\r\nSubject: Hello\r\nMessage-ID: <m@acme.test>\r\n\r\nHello\r\n`,
  );
  const id = newId('msg', receivedAt, systemRandom.bytes(10));
  await insertSubmissions(db, [
    {
      submission: {
        id,
        receivedAt,
        source: 'http',
        credentialId,
        envelope: { mailFrom, rcptTo: to },
        client: { name: 'test', address: '127.0.0.1' },
        raw,
      },
      postalKey: postalKeyFor(id),
      headerMessageId: 'm@acme.test',
      subject: 'Hello',
      tag,
      metadata: { order: '7' },
      sendAt,
      priority: mail.priority,
    },
  ]);
  return id;
}
