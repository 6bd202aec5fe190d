import { describe, expect, test } from 'vitest';

import { trackHtml, trackText, type Tracker } from '../../src/postal-stand-in/track-links.ts';
import { trackMessage } from '../../src/postal-stand-in/track-mail.ts';

function tracker(): Tracker & { readonly targets: string[] } {
  const targets: string[] = [];
  return {
    targets,
    linkBase: 'http://t.test/srv',
    pixelUrl: 'http://t.test/img/srv/msg',
    addLink: (url) => `link${targets.push(url)}`,
  };
}

describe('a plain text', () => {
  test.each([
    ['see https://a.test/x now', 'see http://t.test/srv/link1 now', ['https://a.test/x']],
    ['at the end https://a.test/x', 'at the end http://t.test/srv/link1', ['https://a.test/x']],
    ['a sentence: https://a.test/x. And', 'a sentence: http://t.test/srv/link1 And', ['https://a.test/x']],
    ['glued (https://a.test/x), not', 'glued (https://a.test/x), not', []],
    ['https+notrack://a.test/x stays', 'https://a.test/x stays', []],
    ['no link here: ftp://a.test/', 'no link here: ftp://a.test/', []],
  ])('%s', (text, expected, targets) => {
    const spy = tracker();
    expect(trackText(text, spy)).toBe(expected);
    expect(spy.targets).toEqual(targets);
  });
});

describe('a hostile text', () => {
  test.each([
    ['URLs without end', `${'http://'.repeat(150_000)},`],
    ['punctuation without end', `https://a.test/${'.'.repeat(500_000)}, `],
    ['quotes without end', `href="http://${'a'.repeat(500_000)},`],
  ])('of %s takes no longer than its length', (_, text) => {
    expect(trackText(text, tracker())).toBe(text);
    expect(trackHtml(text, tracker()).startsWith(text)).toBe(true);
  });
});

describe('an html text', () => {
  test('has its hrefs replaced, entities in the target decoded, and the pixel before the end of the body', () => {
    const spy = tracker();
    const html = trackHtml('<body><a class="x" href="https://a.test/?a=1&amp;b=2">go</a></body>', spy);
    expect(html).toMatch(
      /^<body><a class="x" href='http:\/\/t\.test\/srv\/link1'>go<\/a><p class='ampimg' .*<\/p><\/body>$/,
    );
    expect(spy.targets).toEqual(['https://a.test/?a=1&b=2']);
  });

  test('without a body has the pixel at its end', () => {
    expect(trackHtml('<p>Hi</p>', tracker())).toMatch(/^<p>Hi<\/p><p class='ampimg'/);
  });

  test('keeps mailto, fragments, unquoted and opted-out links', () => {
    const spy = tracker();
    const html = `<a href="mailto:a@b.test">1</a><a href="#top">2</a><a href=https://a.test/>3</a><a href="https+notrack://a.test/">4</a>`;
    expect(trackHtml(html, spy)).toContain(html.replace('+notrack', ''));
    expect(spy.targets).toEqual([]);
  });
});

describe('a message', () => {
  test('keeps every part that is no text octet for octet, odd line ends and charsets too', async () => {
    const binary = Buffer.from(Array.from({ length: 2000 }, (_, at) => (at * 37) % 256)).toString('base64');
    const attachment = `Content-Type: application/pdf\r\nContent-Transfer-Encoding: base64\r\n\r\n${binary}\r\n`;
    const odd =
      'Content-Type: application/x-odd\r\n\r\nbare\nlf and \x00\xff octets and https://a.test/ \r\n';
    const mail = multipart('mixed', ['Content-Type: text/html\r\n\r\n<p>Hi</p>\r\n', attachment, odd]);
    const tracked = await track(mail);
    expect(tracked).toContain(attachment);
    expect(tracked).toContain(odd);
    expect(tracked.replace(/<p class='ampimg'.*?<\/p>/, '')).toBe(mail);
  });

  test.each([
    ['base64', (text: string) => `${Buffer.from(text).toString('base64')}\r\n`],
    ['quoted-printable', (text: string) => `${text.replaceAll('=', '=3D')}\r\n`],
    ['7bit', (text: string) => `${text}\r\n`],
  ])('in %s is rewritten and encoded again the same way', async (encoding, encode) => {
    const head = `Content-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: ${encoding}\r\n\r\n`;
    const tracked = await track(`From: a@b.test\r\n${head}${encode('<a href="https://a.test/?a=1">x</a>')}`);
    const body = tracked.slice(tracked.indexOf('\r\n\r\n') + 4);
    expect(tracked.startsWith(`From: a@b.test\r\n${head}`)).toBe(true);
    expect(decode(body, encoding)).toMatch(
      /^<a href='http:\/\/t\.test\/srv\/link1'>x<\/a>\s*<p class='ampimg'/,
    );
  });

  test('in base64 without a link keeps even its odd line lengths', async () => {
    const lines = Buffer.from('nothing to track in here').toString('base64').replaceAll(/.{10}/g, '$&\r\n');
    const mail = `Content-Type: text/plain\r\nContent-Transfer-Encoding: base64\r\n\r\n${lines}\r\n`;
    expect(await track(mail)).toBe(mail);
  });

  test('keeps octets of its charset around the links', async () => {
    const tracked = await track(
      'Content-Type: text/plain; charset=iso-8859-1\r\n\r\ngr\xfc\xdfe https://a.test/ \xe9\r\n',
    );
    expect(tracked).toContain('gr\xfc\xdfe http://t.test/srv/link1 \xe9');
  });

  test('is searched below alternative and related, but not below a nested mixed or an attached message', async () => {
    const text = 'Content-Type: text/plain\r\n\r\nhttps://a.test/\r\n';
    const nested = (kind: string, at: string) => multipart(kind, [text], at).replace(/^From: .*\r\n/, '');
    const attached = `Content-Type: message/rfc822\r\n\r\n${text}`;
    const mail = multipart('mixed', [nested('alternative', 'one'), nested('mixed', 'two'), attached]);
    const tracked = await track(mail);
    expect(tracked.match(/t\.test\/srv/g)).toHaveLength(1);
    expect(tracked.indexOf('t.test/srv')).toBeLessThan(tracked.indexOf('two'));
  });

  test('without a content type is left alone', async () => {
    const mail = 'From: a@b.test\r\n\r\nhttps://a.test/\r\n';
    expect(await track(mail)).toBe(mail);
  });
});

async function track(mail: string): Promise<string> {
  return (await trackMessage(Buffer.from(mail, 'latin1'), tracker())).toString('latin1');
}

function multipart(kind: string, parts: readonly string[], boundary = 'edge'): string {
  const body = parts.map((part) => `--${boundary}\r\n${part}`).join('\r\n');
  return `From: a@b.test\r\nContent-Type: multipart/${kind}; boundary=${boundary}\r\n\r\n${body}\r\n--${boundary}--\r\n`;
}

function decode(body: string, encoding: string): string {
  if (encoding === 'base64') return Buffer.from(body, 'base64').toString();
  return encoding === '7bit' ? body : body.replaceAll('=\r\n', '').replaceAll('=3D', '=');
}
