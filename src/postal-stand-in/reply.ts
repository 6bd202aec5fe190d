import { createHash } from 'node:crypto';

/** An HTTP answer, or none: the connection is closed instead. */
export type Answer = Reply | 'dropped';

export interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Buffer;
  /** Rails itself answered, so it says how long it took and under which id. */
  readonly traced?: true;
}

/** Headers Rails puts on everything. */
const railsHeaders: Readonly<Record<string, string>> = {
  'x-frame-options': 'sameorigin',
  'x-content-type-options': 'nosniff',
  'x-xss-protection': '1; mode=block',
  'x-download-options': 'noopen',
  'x-permitted-cross-domain-policies': 'none',
  'content-security-policy': [
    "child-src 'self'",
    "connect-src 'self'",
    "font-src 'self' https: data:",
    "img-src 'self' https: data:",
    "object-src 'none'",
    "script-src 'self'",
    "style-src 'self' https: 'unsafe-inline'",
  ].join('; '),
};

const html = 'text/html; charset=UTF-8';

/** JSON as Rails answers it, always 200. */
export function jsonReply(body: string): Reply {
  const etag = createHash('md5').update(body).digest('hex');
  return {
    status: 200,
    headers: {
      'content-type': 'application/json; charset=utf-8',
      etag: `W/"${etag}"`,
      'cache-control': 'max-age=0, private, must-revalidate',
      ...railsHeaders,
    },
    body,
    traced: true,
  };
}

/** A bare text without a type, as the tracking site answers. */
export function textReply(
  status: number,
  body: string,
  headers: Readonly<Record<string, string>> = {},
): Reply {
  return { status, headers: { ...headers, ...railsHeaders }, body };
}

/** 400 or 403 with nothing in it: JSON that is none, or a Host that is not ours. */
export function emptyReply(status: 400 | 403): Reply {
  const reply: Reply = { status, headers: { 'content-type': html, ...railsHeaders }, body: '' };
  return status === 400 ? { ...reply, traced: true } : reply;
}

const pages = {
  404: 'There is no such page.',
  413: 'That is more than this stand-in takes.',
  500: 'Something went wrong.',
} as const;

/** An error page, which is html and not JSON. */
export function pageReply(status: keyof typeof pages): Reply {
  return htmlReply(status, `<!DOCTYPE html>\n<title>${status}</title>\n<p>${pages[status]}</p>\n`);
}

/** A page of html with the headers Rails gives it. */
export function htmlReply(status: number, body: string): Reply {
  return { status, headers: { 'content-type': html, ...railsHeaders }, body, traced: true };
}
