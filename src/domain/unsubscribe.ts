import { editHeaderSection, readHeaderSection } from './header-section.ts';
import { sealSecret, unsealSecret } from './sealed-secret.ts';
import { Secret } from './secret.ts';
import { longestScope } from './suppression.ts';

/** What a one-click link ends: all mail to the address, or that with the tag of the message. */
export type UnsubscribeWish = 'all' | 'tag';

/** What a link stands for. */
export interface Unsubscription {
  readonly messageId: string;
  readonly address: string;
  /** Empty ends all mail. */
  readonly scope: string;
}

/** Of the request for a link in a message's header, which is not sent on. */
export const unsubscribeHeader = 'x-mailctl-unsubscribe';

const ours = new Set([unsubscribeHeader, 'list-unsubscribe', 'list-unsubscribe-post']);

/** Reads the header: `tag`, `no`, or anything else for `all`. Without a tag, or with one too long for a scope, it is `all`. */
export function readUnsubscribeWish(
  value: string | undefined,
  tag: string | undefined,
): UnsubscribeWish | undefined {
  const word = (value ?? '').trim().toLowerCase();
  if (['', 'no', 'off', 'false', '0'].includes(word)) return undefined;
  return word === 'tag' && tag !== undefined && tag.length <= longestScope ? 'tag' : 'all';
}

/** The message with a one-click link (RFC 8058) in place of whatever it said of unsubscribing itself. */
export function withUnsubscribeLink(raw: Uint8Array, url: string): Uint8Array {
  const leaveOut = readHeaderSection(raw).filter(({ name }) => ours.has(name));
  return editHeaderSection(raw, {
    leaveOut,
    add: [`List-Unsubscribe: <${url}>`, 'List-Unsubscribe-Post: List-Unsubscribe=One-Click'],
  });
}

const owner = 'one-click unsubscribe';
const nonceBytes = 12;

/** A link that nobody else can make, and that shows nobody the address. `base` is where the api is reached. */
export function unsubscribeUrl(
  { messageId, address, scope }: Unsubscription,
  {
    base,
    key,
    random,
  }: { readonly base: string; readonly key: Secret; readonly random: { bytes(count: number): Uint8Array } },
): string {
  const text = new Secret(JSON.stringify([messageId, address, scope]));
  const sealed = Buffer.from(sealSecret(text, { key, owner }, random.bytes(nonceBytes)));
  return `${base.replace(/\/+$/, '')}/unsubscribe?t=${sealed.toString('base64url')}`;
}

/** What a link stands for; undefined when none of the keys made it. */
export function readUnsubscribeToken(token: string, keys: readonly Secret[]): Unsubscription | undefined {
  if (!/^[\w-]{40,2000}$/.test(token)) return undefined;
  const sealed = Buffer.from(token, 'base64url');
  for (const key of keys) {
    const opened = unsealSecret(sealed, { key, owner });
    if (!opened.ok) continue;
    const [messageId = '', address = '', scope = ''] = JSON.parse(opened.secret.reveal()) as string[];
    return { messageId, address, scope };
  }
  return undefined;
}
