import { isAddress } from '../../domain/mailbox.ts';

/** A path of an envelope with what follows it, or why it is none that can be taken. */
export type Path =
  | { readonly ok: true; readonly address: string; readonly rest: string }
  | { readonly ok: false; readonly why: 'syntax' | 'not-ascii' | 'literal' | 'quoted' };

const route = '(?:@[A-Za-z0-9.-]+(?:,@[A-Za-z0-9.-]+)*:)?';
const quoted = '"(?:[ !#-\\[\\]-~]|\\\\[ -~])*"';
const path = new RegExp(`^<${route}((?:${quoted}|[^<>"@\\s]+)@[^<>"@\\s]+)>(?: (.*))?$`);
const none = /^<>(?: (.*))?$/;
const postmaster = /^<postmaster>(?: (.*))?$/i;

/** A reverse-path (RFC 5321 §4.1.2) and the parameters after it; `<>` is the empty address. A source route is dropped. */
export function parseReversePath(text: string): Path {
  const empty = none.exec(text);
  return empty ? { ok: true, address: '', rest: empty[1] ?? '' } : parsePath(text);
}

/** A forward-path; the bare `<postmaster>` (RFC 5321 §4.5.1) is the one of `localDomain`. */
export function parseForwardPath(text: string, localDomain: string): Path {
  const own = postmaster.exec(text);
  return own ? { ok: true, address: `postmaster@${localDomain}`, rest: own[1] ?? '' } : parsePath(text);
}

function parsePath(text: string): Path {
  if (/^[^>]*[^ -~]/.test(text)) return { ok: false, why: 'not-ascii' };
  const match = path.exec(text);
  const address = match?.[1] ?? '';
  if (isAddress(address)) return { ok: true, address, rest: match?.[2] ?? '' };
  if (address.endsWith(']')) return { ok: false, why: 'literal' };
  return { ok: false, why: address.startsWith('"') ? 'quoted' : 'syntax' };
}
