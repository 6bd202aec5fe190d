import { type PartBytes, type PartNode, Splitter } from 'mailsplit';

import { passThrough } from './mail-content.ts';
import { trackHtml, trackText, type Tracker } from './track-links.ts';

type Rewrite = (text: string, tracker: Tracker) => string;

const rewrites: Readonly<Record<string, Rewrite>> = { 'text/plain': trackText, 'text/html': trackHtml };

interface HeldText {
  readonly node: PartNode;
  readonly rewrite: Rewrite;
  readonly chunks: Buffer[];
}

/**
 * A message with links and pixel put in. Parts stream through; only the texts Postal rewrites are held, and those are
 * changed as octets, so their charset stays. What needs no change comes out byte for byte.
 */
async function* trackMail(
  source: AsyncIterable<PartNode | PartBytes>,
  tracker: Tracker,
): AsyncGenerator<Buffer> {
  let held: HeldText | undefined;
  for await (const part of source) {
    if (held && part.type === 'body') {
      held.chunks.push(part.value);
      continue;
    }
    if (held) yield* rewritten(held, tracker);
    held = textToHold(part);
    if (!held) yield part.type === 'node' ? part.getHeaders() : part.value;
  }
  if (held) yield* rewritten(held, tracker);
}

/** The whole of a message with links and pixel put in. */
export async function trackMessage(raw: Buffer, tracker: Tracker): Promise<Buffer> {
  const splitter = new Splitter({ ignoreEmbedded: true });
  splitter.end(raw);
  const chunks: Buffer[] = [];
  for await (const chunk of trackMail(splitter, tracker)) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** Postal rewrites a message that is a text, and texts below multiparts, but not below a nested multipart/mixed. */
function textToHold(part: PartNode | PartBytes): HeldText | undefined {
  if (part.type !== 'node' || !isReached(part.parentNode)) return undefined;
  if (part.root && part.headers.getFirst('Content-Type') === '') return undefined;
  const rewrite = rewrites[part.contentType || ''];
  return rewrite && { node: part, rewrite, chunks: [] };
}

function isReached(parent: PartNode | false | undefined): boolean {
  if (!parent || parent.root) return true;
  const isSearched = parent.multipart === 'alternative' || parent.multipart === 'related';
  return isSearched && isReached(parent.parentNode);
}

async function* rewritten({ node, rewrite, chunks }: HeldText, tracker: Tracker) {
  const body = Buffer.concat(chunks);
  const before = (await passThrough(node.getDecoder(), body)).toString('latin1');
  const after = rewrite(before, tracker);
  yield node.getHeaders();
  yield after === before ? body : await passThrough(node.getEncoder(), Buffer.from(after, 'latin1'));
}
