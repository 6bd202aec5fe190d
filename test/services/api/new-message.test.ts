import { describe, expect, it } from 'vitest';

import { newMessageOf, nothingBeside } from '../../../src/services/api/new-message.ts';
import { submission } from '../../store/submissions.ts';

function stored(header: string, beside = nothingBeside) {
  const raw = Buffer.from(`From: news@acme.test\r\n${header}Subject: Hi\r\n\r\nX-Mailctl-Priority: body\r\n`);
  const message = newMessageOf(submission({ raw }), beside);
  return { ...message, text: Buffer.from(message.submission.raw).toString() };
}

const plain = 'From: news@acme.test\r\nSubject: Hi\r\n\r\nX-Mailctl-Priority: body\r\n';

describe('the priority of a message that is stored', () => {
  it('is that of its header, which goes no further', () => {
    expect(stored('x-mailctl-priority:\r\n  HIGH \r\n')).toMatchObject({ priority: 'high', text: plain });
  });

  it('is what was said beside it before what its header says', () => {
    const beside = { ...nothingBeside, priority: 'low' } as const;
    expect(stored('X-Mailctl-Priority: high\r\n', beside)).toMatchObject({ priority: 'low', text: plain });
  });

  it('is left open where its header says nothing that is one, and the octets stay the very same', () => {
    expect(stored('')).toMatchObject({ priority: undefined, text: plain });
    expect(stored('X-Mailctl-Priority: later\r\n')).toMatchObject({ priority: undefined, text: plain });
    const untouched = submission();
    expect(newMessageOf(untouched, nothingBeside).submission.raw).toBe(untouched.raw);
  });
});
