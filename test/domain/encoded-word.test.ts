import { expect, it } from 'vitest';

import { decodeWords } from '../../src/domain/encoded-word.ts';

it.each([
  ['=?UTF-8?Q?Gr=C3=BC=C3=9Fe_an_alle?=', 'Grüße an alle'],
  ['=?utf-8?B?R3LDvMOfZQ==?=', 'Grüße'],
  ['=?UTF-8?Q?Gr=C3=BC?= =?UTF-8?Q?=C3=9Fe?=', 'Grüße'],
  ['Re: =?iso-8859-1?Q?caf=E9?= time', 'Re: café time'],
  ['plain', 'plain'],
  ['=?x-unknown?Q?abc?=', '=?x-unknown?Q?abc?='],
])('decodes %s', (value, text) => {
  expect(decodeWords(value)).toBe(text);
});
