import { isAddress } from '../../domain/mailbox.ts';

const token = /\\.|"(?:[^"\\]|\\.)*"|[()]|[^\\"()]+|["\\]/gs;

/**
 * The addresses of a From or Sender field (RFC 5322 §3.4), groups included; undefined when a part of it is no address that
 * mail can be sent from. Display names may be written carelessly: only what stands in angle brackets counts.
 */
export function parseAddressList(value: string): readonly string[] | undefined {
  if (value === '') return [];
  const plain = /[\\"()]/.test(value) ? withoutWords(value) : value;
  const mailboxes = plain
    ?.split(/[,;]/)
    .map((part) => part.replace(/^[^<>@:]*:/, '').trim())
    .filter((part) => part !== '')
    .map((part) => (/^[^<>]*<([^<>]*)>$/.exec(part)?.[1] ?? part).trim());
  return mailboxes?.every(isAddress) ? mailboxes : undefined;
}

/** Comments become a blank and quoted strings a quote, so that nothing in them looks like an address. */
function withoutWords(value: string): string | undefined {
  let depth = 0;
  let plain = '';
  for (const [part] of value.matchAll(token)) {
    if (part === '(') depth += 1;
    else if (part === ')') depth -= 1;
    else if (depth === 0) plain += part.startsWith('"') ? '"' : part;
    if (depth < 0) return undefined;
    if (depth > 0 && !plain.endsWith(' ')) plain += ' ';
  }
  return depth === 0 ? plain : undefined;
}
