import { describe, expect, it } from 'vitest';

import { editHeaderSection, headerValue, readHeaderSection } from '../../src/domain/header-section.ts';

const message = Buffer.from(
  'Subject: one\r\n two\r\nMESSAGE-ID : <a@b>\r\nBcc: x@y.z,\r\n\tv@w.z\r\nno field\r\nTo: t@y.z\r\n\r\nBody: none\r\n',
);
const fields = readHeaderSection(message);

describe('the header section', () => {
  it('is read field by field, unfolded, up to the first empty line', () => {
    expect(fields.map(({ name, value }) => [name, value])).toEqual([
      ['subject', 'one two'],
      ['message-id', '<a@b>'],
      ['bcc', 'x@y.z,\tv@w.z'],
      ['to', 't@y.z'],
    ]);
  });

  it('ends with the message when there is no empty line', () => {
    expect(readHeaderSection(Buffer.from('A: 1\r\nB: 2')).map(({ value }) => value)).toEqual(['1', '2']);
  });

  it('is empty when the message begins with an empty line', () => {
    expect(readHeaderSection(Buffer.from('\r\nA: 1\r\n'))).toEqual([]);
  });

  it('gives the first field of a name', () => {
    expect(headerValue(fields, 'to')).toBe('t@y.z');
    expect(headerValue(fields, 'cc')).toBeUndefined();
  });
});

describe('editing', () => {
  it('leaves out a folded field whole, adds lines on top and touches nothing else', () => {
    const edited = editHeaderSection(message, {
      leaveOut: fields.filter(({ name }) => name === 'bcc'),
      add: ['Date: now'],
    });
    expect(Buffer.from(edited).toString()).toBe(
      'Date: now\r\nSubject: one\r\n two\r\nMESSAGE-ID : <a@b>\r\nno field\r\nTo: t@y.z\r\n\r\nBody: none\r\n',
    );
  });
});
