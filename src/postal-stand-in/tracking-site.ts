import { crc32, deflateSync } from 'node:zlib';

import type { IncomingHttpHeaders } from 'node:http';

import type { MessageRow } from './messages.ts';
import { note, type Office } from './office.ts';
import { pageReply, type Reply, textReply } from './reply.ts';
import { messagePayload } from './webhook-payloads.ts';

export interface Visit {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly remoteAddress: string;
}

interface Visitor {
  readonly ipAddress: string;
  readonly userAgent: string | null;
}

/** True where Postal serves its tracking site: `X-Postal-Track-Host` is exactly 1, or the stand-in was told to do without. */
export function isTracked(office: Office, { path, headers }: Visit): boolean {
  if (headers['x-postal-track-host'] === '1') return true;
  const { trackWithoutProxy, serverToken } = office.settings;
  return trackWithoutProxy && (path.startsWith('/img/') || path.startsWith(`/${serverToken}/`));
}

/** Pixel, redirect, or a plain refusal; each good visit counts and raises its webhook, HEAD too. */
export async function answerTracking(office: Office, visit: Visit): Promise<Reply> {
  const [, first = '', second = '', third = ''] = visit.path.split('/');
  if (visit.path === '/') return textReply(200, 'Hello.');
  const isPixel = first === 'img';
  if ((isPixel ? second : first) !== office.settings.serverToken)
    return textReply(404, 'Invalid Server Token');
  if (office.faults.take('tracking-error', { path: visit.path })) return pageReply(500);
  const visitor = { ipAddress: clientAddress(visit), userAgent: visit.headers['user-agent'] ?? null };
  return isPixel ? answerPixel(office, third, visitor) : answerClick(office, second, visitor);
}

async function answerPixel(office: Office, token: string, visitor: Visitor): Promise<Reply> {
  const row = office.messages.byToken(token);
  if (row) await countLoad(office, row, visitor);
  return { ...textReply(200, '', { 'content-type': 'image/png' }), body: pixel };
}

async function countLoad(office: Office, row: MessageRow, { ipAddress, userAgent }: Visitor): Promise<void> {
  const load = { timestamp: office.stamp(), ipAddress, userAgent };
  row.loads.push(load);
  await office.world.ledger?.visited?.(row, load);
  note(office, row, 'Opened', `from ${ipAddress}`);
  const payload = { message: messagePayload(row), ip_address: ipAddress, user_agent: userAgent };
  await office.raise({ event: 'MessageLoaded', row, payload });
}

async function answerClick(office: Office, token: string, { ipAddress, userAgent }: Visitor): Promise<Reply> {
  const link = office.messages.links.find(token);
  if (!link) return textReply(404, 'Link not found');
  const { row, url } = link;
  const click = { timestamp: office.stamp(), ipAddress, userAgent, url };
  row.clicks.push(click);
  await office.world.ledger?.visited?.(row, click, { token, url });
  note(office, row, 'Clicked', url);
  const payload = { message: messagePayload(row), url, token, ip_address: ipAddress, user_agent: userAgent };
  await office.raise({ event: 'MessageLinkClicked', row, payload });
  return textReply(307, `Redirected to: ${url}`, { location: url });
}

/** The last address of X-Forwarded-For that is not a loopback one: proxies on loopback are trusted. */
function clientAddress({ headers, remoteAddress }: Visit): string {
  const forwarded = String(headers['x-forwarded-for'] ?? '').split(',');
  const hops = [...forwarded, remoteAddress].map((hop) => hop.trim().replace(/^::ffff:/, ''));
  const strangers = hops.filter((hop) => hop !== '' && !/^127\.|^::1$/.test(hop));
  return strangers.at(-1) ?? '127.0.0.1';
}

const pixel = pixelOf(17_685);

/** A transparent PNG of one pixel, as long as the one Postal serves: the rest is a chunk that readers skip. */
function pixelOf(octets: number): Buffer {
  const start = [
    Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'),
    chunk('IHDR', Buffer.from([0, 0, 0, 1, 0, 0, 0, 1, 8, 6, 0, 0, 0])),
    chunk('IDAT', deflateSync(Buffer.alloc(5))),
  ];
  const end = chunk('IEND', Buffer.alloc(0));
  const length = [...start, end].reduce((sum, part) => sum + part.length, 0);
  return Buffer.concat([...start, chunk('paDd', Buffer.alloc(octets - length - 12)), end]);
}

function chunk(type: string, data: Buffer): Buffer {
  const named = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const frame = Buffer.alloc(8);
  frame.writeUInt32BE(data.length, 0);
  frame.writeUInt32BE(crc32(named), 4);
  return Buffer.concat([frame.subarray(0, 4), named, frame.subarray(4)]);
}
