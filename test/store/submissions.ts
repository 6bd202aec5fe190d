import { systemRandom } from '../../src/adapters/random.ts';
import { newId } from '../../src/domain/id.ts';
import { postalKeyFor } from '../../src/domain/postal-key.ts';
import type { Submission } from '../../src/domain/submission.ts';
import type { NewMessage } from '../../src/store/messages.ts';

/** A message as the relay hands it in; `changes` are what the test is about. */
export function submission(changes: Partial<Submission> = {}): Submission {
  const receivedAt = changes.receivedAt ?? new Date('2026-03-01T12:00:00Z');
  return {
    id: newId('msg', receivedAt, systemRandom.bytes(10)),
    receivedAt,
    source: 'smtp',
    credentialId: 'usr_test',
    envelope: { mailFrom: 'news@acme.test', rcptTo: ['ann@example.com'] },
    client: { name: 'ams.acme.test', address: '192.0.2.7' },
    raw: Buffer.from('From: news@acme.test\r\nSubject: Hi\r\n\r\nHello\r\n'),
    ...changes,
  };
}

export function newMessage(
  changes: Partial<Submission> = {},
  beside: Partial<Omit<NewMessage, 'submission'>> = {},
): NewMessage {
  const one = submission(changes);
  return {
    submission: one,
    postalKey: postalKeyFor(one.id),
    headerMessageId: undefined,
    subject: undefined,
    tag: undefined,
    metadata: {},
    sendAt: undefined,
    ...beside,
  };
}
