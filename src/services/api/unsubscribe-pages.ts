import { maskAddress } from '../../domain/address.ts';
import type { Unsubscription } from '../../domain/unsubscribe.ts';

/** The page is nobody's to keep, to frame or to be told of, and loads nothing. */
export const pageHeaders = {
  'cache-control': 'no-store',
  'referrer-policy': 'no-referrer',
  'x-robots-tag': 'noindex',
  'x-content-type-options': 'nosniff',
  'content-security-policy':
    "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
} as const;

/** The pages that a person sees behind a one-click link. */
export const unsubscribePages = {
  /** The form posts to the very link it stands behind. */
  ask: ({ address, scope }: Unsubscription) =>
    pageOf(
      'Unsubscribe',
      `<p>Send no more ${kindOf(scope)} to <b>${shown(address)}</b>?</p>
<form method="post"><button name="List-Unsubscribe" value="One-Click">Unsubscribe</button></form>`,
    ),
  done: ({ address, scope }: Unsubscription) =>
    pageOf(
      'Unsubscribed',
      `<p><b>${shown(address)}</b> gets no more ${kindOf(scope)}. You may close this page.</p>`,
    ),
  unknown: pageOf(
    'Unknown link',
    '<p>This link is not one of ours, or is not whole. Copy all of it from the message.</p>',
  ),
} as const;

function kindOf(scope: string): string {
  return scope === '' ? 'mail' : `mail of the kind “${escaped(scope)}”`;
}

/** Whoever holds the link may have it from somebody else: enough of the address to recognise one's own. */
function shown(address: string): string {
  return escaped(maskAddress(address));
}

function escaped(text: string): string {
  return text.replaceAll(/[&<>"']/g, (letter) => `&#${letter.charCodeAt(0)};`);
}

function pageOf(title: string, body: string): string {
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title}</title>
<style>body{font:1.1rem/1.5 system-ui,sans-serif;max-width:32rem;margin:15vh auto;padding:0 1rem}button{font:inherit;padding:.5em 1.2em}</style>
<h1>${title}</h1>
${body}
</html>
`;
}
