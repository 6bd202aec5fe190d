import { headerText, readHeaders } from './headers.ts';
import { html, type Markup } from './html.ts';
import type { MailContent } from './mail-content.ts';
import { badge, clockTime } from './mailbox-list.ts';
import type { MessageRow } from './messages.ts';

const views = { rendered: 'Rendered', text: 'Text', raw: 'Raw' } as const;

export type View = keyof typeof views;

/** The view that a query names, else the rendered one. */
export function viewOf(name: string | null): View {
  return name === 'text' || name === 'raw' ? name : 'rendered';
}

interface Shown {
  readonly view: View;
  /** Pictures from elsewhere are loaded, which counts as an open. */
  readonly images: boolean;
}

/** Octets of a raw message that the page shows; the whole is behind the download. */
const mostRaw = 200_000;

/** One message: who, what, its body in the chosen view, and what happened to it. */
export function messageView(row: MessageRow, content: MailContent, shown: Shown): Markup {
  const headers = readHeaders(row.raw);
  return html`<article>
    <header>
      <h1>${row.subject ?? '(no subject)'} ${badge(row.status)}</h1>
      <dl>
        ${fact('From', headerText(headers, 'from'))} ${fact('To', row.rcptTo)}
        ${fact('Envelope', row.delivered?.envelopeFrom)} ${fact('mail_from', row.mailFrom)}
        ${fact('Message-ID', row.messageId)} ${fact('Tag', row.tag)}
      </dl>
    </header>
    <div class="columns">
      <section class="body">
        ${tabs(row, shown)} ${bodyOf(row, content, shown)} ${attachmentList(content)}
      </section>
      ${timelineOf(row)}
    </div>
  </article>`;
}

function fact(name: string, value: string | null | undefined): Markup | string {
  return value
    ? html`<div>
        <dt>${name}</dt>
        <dd>${value}</dd>
      </div>`
    : '';
}

function tabs(row: MessageRow, { view, images }: Shown): Markup {
  const base = `/_stand-in/mailbox/${row.id}`;
  const tab = ([name, label]: [string, string]) =>
    html`<a href="${base}?view=${name}" ${name === view ? html`aria-current="true"` : ''}>${label}</a>`;
  const pictures =
    view === 'rendered' && !images
      ? html`<a class="aside" href="${base}?images">Load pictures (counts as an open)</a>`
      : '';
  return html`<div class="tabs">
    ${Object.entries(views).map(tab)} ${pictures}
    <a class="aside" href="${base}.eml">Download</a>
  </div>`;
}

function bodyOf(row: MessageRow, content: MailContent, { view, images }: Shown): Markup {
  if (view === 'raw')
    return html`<pre>${(row.delivered?.data ?? row.raw).subarray(0, mostRaw).toString('utf8')}</pre>`;
  if (view === 'text' || content.html === null)
    return html`<pre>${content.plain ?? 'It has no plain text.'}</pre>`;
  return html`<iframe
    title="The message"
    sandbox="allow-popups allow-popups-to-escape-sandbox"
    referrerpolicy="no-referrer"
    src="/_stand-in/mailbox/${row.id}/content${images ? '?images' : ''}"
  ></iframe>`;
}

function attachmentList({ attachments }: MailContent): Markup | string {
  if (attachments.length === 0) return '';
  const items = attachments.map(
    ({ filename, contentType, data }) =>
      html`<li>
        ${filename || '(unnamed)'} <span class="quiet">${contentType}, ${data.length} octets</span>
      </li>`,
  );
  return html`<h2>Attachments</h2>
    <ul class="attachments">
      ${items}
    </ul>`;
}

function timelineOf(row: MessageRow): Markup {
  const entries = row.timeline.toSorted((one, other) => one.at - other.at);
  return html`<section class="timeline">
    <h2>Timeline</h2>
    <ol>
      ${entries.map(
        ({ at, event, detail }) =>
          html`<li class="${event.toLowerCase()}">
            <b>${event}</b> ${clockTime(at)}
            <p>${detail}</p>
          </li>`,
      )}
    </ol>
  </section>`;
}
