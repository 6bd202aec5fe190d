const isMarkup = Symbol('markup');

/** Html that was built here and needs no escaping. */
export interface Markup {
  readonly [isMarkup]: string;
}

export type Content = Markup | string | number | null | undefined | readonly Content[];

/** A template whose every inserted value is escaped, except what another template made. */
export function html(pieces: TemplateStringsArray, ...values: readonly Content[]): Markup {
  const text = pieces.map((piece, at) => piece + (at < values.length ? render(values[at]) : '')).join('');
  return { [isMarkup]: text };
}

/** The text of a template. */
export function markupText(markup: Markup): string {
  return markup[isMarkup];
}

const escapes: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function render(value: Content): string {
  if (value === null || value === undefined) return '';
  if (typeof value === 'string' || typeof value === 'number') return escapeHtml(String(value));
  return isMarkup in value ? value[isMarkup] : value.map(render).join('');
}

function escapeHtml(text: string): string {
  return text.replaceAll(/[&<>"']/g, (letter) => escapes[letter] ?? letter);
}
