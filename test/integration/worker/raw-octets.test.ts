import { createHash } from 'node:crypto';
import { buffer } from 'node:stream/consumers';

import { expect, it } from 'vitest';

import { until } from '../../store/until.ts';
import { addKey, call, runningApi } from '../api/running-api.ts';
import { listen, openRig } from './rig.ts';

/** A Postal that takes everything and keeps the octets it was handed. */
async function listenAsPostal() {
  const taken: Buffer[] = [];
  const listener = await listen(async (request, response) => {
    const { rcpt_to: to, data } = JSON.parse((await buffer(request)).toString());
    taken.push(Buffer.from(data, 'base64'));
    const messages = Object.fromEntries(
      to.map((address: string, id: number) => [address, { id, token: 't' }]),
    );
    response
      .writeHead(200, { 'content-type': 'application/json' })
      .end(JSON.stringify({ status: 'success', time: 0, flags: {}, data: { message_id: null, messages } }));
  });
  return { ...listener, taken };
}

const head =
  'From: a@acme.test\r\nTo: c@d.test\r\nMessage-ID: <x@acme.test>\r\nDate: Thu, 1 Jan 2026 00:00:00 +0000\r\n';
const every = Buffer.from(
  Array.from({ length: 256 }, (_, octet) => octet).filter((octet) => ![0, 10, 13].includes(octet)),
);
const body = Buffer.concat([
  Buffer.from('.\r\n..\r\n.dot\r\nFrom here \t\r\n'),
  every,
  Buffer.from('\r\n'),
  Buffer.from('long line '.repeat(2_000)),
  Buffer.from('\r\n\r\n\r\n'),
]);
const signature = `DKIM-Signature: v=1; a=rsa-sha256; c=simple/simple; d=acme.test; s=x;\r\n\th=from:to;\r\n\tbh=${createHash(
  'sha256',
)
  .update(body)
  .digest('base64')}; b=AAAA\r\n`;
const whole = (fields = '') =>
  Buffer.concat([Buffer.from(`${fields}${head}Subject: h\u00e9  llo\r\n folded\r\n\r\n`), body]);

it.each([
  [
    '8 bit, dots, blanks at the end of lines, a line of 20 000 octets and empty lines at its end',
    whole(),
    whole(),
  ],
  ['a signature over the body and the header as they are', whole(signature), whole(signature)],
  [
    'line ends of LF alone, which become CRLF',
    Buffer.from('From: a@acme.test\nTo: c@d.test\nMessage-ID: <x>\nDate: x\n\n\u00e9\n'),
    Buffer.from('From: a@acme.test\r\nTo: c@d.test\r\nMessage-ID: <x>\r\nDate: x\r\n\r\n\u00e9\r\n'),
  ],
])('a raw message with %s reaches Postal octet for octet', async (_, sent, expected) => {
  await using rig = await openRig();
  await using api = await runningApi({}, { db: rig.db });
  await using postal = await listenAsPostal();
  const { key } = await addKey(rig.db, ['send']);
  await rig.work({ POSTAL_URL: postal.url });

  const answer = await call(api, 'POST', '/v1/messages', {
    key,
    raw: sent,
    headers: { 'content-type': 'message/rfc822', 'rcpt-to': 'c@d.test' },
  });
  const [taken] = await until(
    () => postal.taken,
    (all) => all.length > 0,
  );

  expect(answer.status).toBe(202);
  expect(taken?.equals(expected)).toBe(true);
});
