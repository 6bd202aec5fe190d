import { createHash } from 'node:crypto';

import { type PartNode, Splitter } from 'mailsplit';

import { decodeCharset } from './headers.ts';

/** What a reader sees of a message. Texts have LF line ends, as Postal gives them. */
export interface MailContent {
  readonly plain: string | null;
  readonly html: string | null;
  readonly attachments: readonly Attachment[];
}

export interface Attachment {
  readonly filename: string;
  readonly contentType: string;
  readonly data: Buffer;
  readonly sha1: string;
}

interface Leaf {
  readonly node: PartNode;
  readonly data: Buffer;
}

/** Takes a message apart: its first plain and html text, and everything else as attachments. */
export async function readContent(raw: Buffer): Promise<MailContent> {
  const leaves = await readLeaves(raw);
  const text = (type: string) => leaves.find(({ node }) => isText(node, type));
  const plain = text('text/plain');
  const html = text('text/html');
  return {
    plain: plain ? textOf(plain) : null,
    html: html ? textOf(html) : null,
    attachments: leaves.filter((leaf) => leaf !== plain && leaf !== html).map(attachmentOf),
  };
}

/** The bytes that come out of a decoder or encoder for the bytes that go in. */
export async function passThrough(stream: NodeJS.ReadWriteStream, bytes: Buffer): Promise<Buffer> {
  stream.end(bytes);
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks);
}

async function readLeaves(raw: Buffer): Promise<Leaf[]> {
  const open: { node: PartNode; chunks: Buffer[] }[] = [];
  const splitter = new Splitter({ ignoreEmbedded: true });
  splitter.end(raw);
  for await (const part of splitter) {
    if (part.type === 'node' && !part.multipart) open.push({ node: part, chunks: [] });
    if (part.type === 'body') open.at(-1)?.chunks.push(part.value);
  }
  return Promise.all(
    open.map(async ({ node, chunks }) => ({
      node,
      data: await passThrough(node.getDecoder(), Buffer.concat(chunks)),
    })),
  );
}

function isText(node: PartNode, type: string): boolean {
  return node.contentType === type && node.disposition !== 'attachment';
}

function textOf({ node, data }: Leaf): string {
  const text = decodeCharset(data, node.charset || 'utf-8') ?? data.toString('latin1');
  return text.replaceAll('\r\n', '\n');
}

function attachmentOf({ node, data }: Leaf): Attachment {
  return {
    filename: node.filename || '',
    contentType: node.contentType || 'application/octet-stream',
    data,
    sha1: createHash('sha1').update(data).digest('hex'),
  };
}
