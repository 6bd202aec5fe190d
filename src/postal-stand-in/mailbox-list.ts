import { headerText, readHeaders } from './headers.ts';
import { html, type Markup } from './html.ts';
import { isoTime } from './mailbox-json.ts';
import type { MessageRow } from './messages.ts';

/** The column of messages, the selected one marked. */
export function messageList(rows: readonly MessageRow[], selected: MessageRow | undefined): Markup {
  if (rows.length === 0) return html`<p class="none">Nothing has arrived yet.</p>`;
  return html`<nav>
    <ol>
      ${rows.map((row) => listEntry(row, row === selected))}
    </ol>
  </nav>`;
}

function listEntry(row: MessageRow, isSelected: boolean): Markup {
  const sender = headerText(readHeaders(row.raw), 'from') ?? row.mailFrom;
  return html`<li>
    <a href="/_stand-in/mailbox/${row.id}" ${isSelected ? html`aria-current="page"` : ''}>
      <span class="line"><b>${row.rcptTo || '(no recipient)'}</b>${clockTime(row.timestamp)}</span>
      <span class="subject">${row.subject ?? '(no subject)'}</span>
      <span class="line quiet"><span class="sender">${sender}</span>${badge(row.status)}</span>
    </a>
  </li>`;
}

/** The status as a coloured word. */
export function badge(status: string): Markup {
  return html`<span class="badge ${status.toLowerCase()}">${status}</span>`;
}

/** Time of day in UTC, with the whole of it for machines. */
export function clockTime(seconds: number): Markup {
  const iso = isoTime(seconds);
  return html`<time datetime="${iso}" title="${iso}">${iso.slice(11, 19)}</time>`;
}
