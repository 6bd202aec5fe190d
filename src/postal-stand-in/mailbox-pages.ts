import { html, type Markup, markupText } from './html.ts';
import { readContent } from './mail-content.ts';
import { messageList } from './mailbox-list.ts';
import { mailboxStyle } from './mailbox-style.ts';
import { messageView, type View, viewOf } from './message-view.ts';
import type { MessageRow } from './messages.ts';
import type { Office } from './office.ts';
import { outcomeGuide } from './outcome-guide.ts';
import type { Reply } from './reply.ts';

type Page = (
  control: { readonly office: Office },
  request: { readonly query: URLSearchParams },
  id: number,
) => Reply | Promise<Reply>;

/** Shown at most; older messages are still there under their own address. */
const mostListed = 200;

/** The mailbox in a browser: no script, nothing from elsewhere, and mail only in a sandboxed frame. */
export const mailboxPages: Readonly<Record<string, Page>> = {
  'GET mailbox': ({ office }) =>
    page(office, undefined, { main: outcomeGuide(office.settings.speed), refresh: true }),
  'GET mailbox.css': () => text(mailboxStyle, 'text/css; charset=utf-8'),
  'GET mailbox/ID': async ({ office }, { query }, id) => {
    const row = office.messages.byId(id);
    if (!row) return missingPage(office);
    const view: View = viewOf(query.get('view'));
    const content = await readContent(row.delivered?.data ?? row.raw);
    return page(office, row, { main: messageView(row, content, { view, images: query.has('images') }) });
  },
  'GET mailbox/ID.eml': ({ office }, _, id) => {
    const row = office.messages.byId(id);
    return row ? emlReply(row) : missingPage(office);
  },
  'GET mailbox/ID/content': async ({ office }, { query }, id) => {
    const row = office.messages.byId(id);
    if (!row) return missingPage(office);
    const { html: body } = await readContent(row.delivered?.data ?? row.raw);
    return contentReply(body ?? '', query.has('images'));
  },
};

interface Inside {
  readonly main: Markup;
  readonly refresh?: boolean;
  readonly status?: number;
}

function page(office: Office, selected: MessageRow | undefined, { main, refresh, status }: Inside): Reply {
  const rows = office.messages.list().filter((row) => row.direction === 'outgoing');
  const body = html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        ${refresh ? html`<meta http-equiv="refresh" content="5" />` : ''}
        <title>${selected ? `${selected.subject ?? 'No subject'} · ` : ''}Mailbox</title>
        <link rel="stylesheet" href="/_stand-in/mailbox.css" />
      </head>
      <body>
        <aside>
          <header>
            <a class="home" href="/_stand-in/mailbox">Mailbox</a>
            <span class="count">${rows.length} ${rows.length === 1 ? 'message' : 'messages'}</span>
          </header>
          ${messageList(rows.slice(0, mostListed), selected)}
        </aside>
        <main>${main}</main>
      </body>
    </html>`;
  return { ...text(markupText(body), 'text/html; charset=utf-8', pagePolicy), status: status ?? 200 };
}

const pagePolicy =
  "default-src 'none'; style-src 'self'; frame-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

function missingPage(office: Office): Reply {
  const main = html`<section class="empty">
    <h1>No such message</h1>
    <p>It was never here, or newer mail has taken its place.</p>
  </section>`;
  return page(office, undefined, { main, status: 404 });
}

function emlReply(row: MessageRow): Reply {
  const headers = {
    'content-type': 'message/rfc822',
    'content-disposition': `attachment; filename="message-${row.id}.eml"`,
    'x-content-type-options': 'nosniff',
    'cache-control': 'no-store',
  };
  return { status: 200, headers, body: row.delivered?.data ?? row.raw };
}

/** The message's own html. It runs nothing and loads nothing; pictures from elsewhere only on demand. */
function contentReply(body: string, images: boolean): Reply {
  const pictures = images ? 'img-src data: http: https:' : 'img-src data:';
  const policy = [
    'sandbox allow-popups allow-popups-to-escape-sandbox',
    "default-src 'none'",
    pictures,
    "style-src 'unsafe-inline'",
    "form-action 'none'",
    "frame-ancestors 'self'",
  ].join('; ');
  return text(`<!doctype html><base target="_blank">${body}`, 'text/html; charset=utf-8', policy);
}

function text(body: string, type: string, policy = "default-src 'none'"): Reply {
  const headers = {
    'content-type': type,
    'content-security-policy': policy,
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
    'cache-control': 'no-store',
  };
  return { status: 200, headers, body };
}
