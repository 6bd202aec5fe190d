import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage } from 'node:http';
import { buffer } from 'node:stream/consumers';

import { isSigned, type Signer } from './aws-signature.ts';

/** Of every piece but the last (S3's quotas). */
const leastPartBytes = 5 * 1024 * 1024;

interface Upload {
  readonly key: string;
  readonly parts: Map<number, Buffer>;
}

type Said = readonly [status: number, body: string | Buffer, headers?: Readonly<Record<string, string>>];

/** Whom the bucket believes, and how `.env` names it. */
export const signer: Signer = { keyId: 'id', secret: 'Zb7-qT2_xK9vLw4mNc8sRy1pDg5hJf3a' };

/**
 * A bucket as S3's REST interface has it, in memory, and as strict: signatures, tags and sizes of pieces are looked at. With a cut before
 * a part of one's choice, a storage that turns an octet, and one that forgets what is not complete.
 */
export async function startBucket() {
  const objects = new Map<string, Buffer>();
  const uploads = new Map<string, Upload>();
  const received: string[] = [];
  const fault = { cutAtPart: 0, turnsAnOctet: false };
  let begun = 0;
  const put = (upload: string, number: number, body: Buffer): Said => {
    const found = uploads.get(upload);
    if (!found) return refusal(404, 'NoSuchUpload');
    if (!(number >= 1 && number <= 10_000)) return refusal(400, 'InvalidArgument');
    received.push(`${found.key} ${number}`);
    found.parts.set(number, body);
    return [200, '', { etag: tagOf(body) }];
  };
  const complete = (upload: string, body: string): Said => {
    const found = uploads.get(upload);
    if (!found) return refusal(404, 'NoSuchUpload');
    const wrong = whatIsWrong(named(body), found.parts);
    if (wrong) return wrong;
    const whole = Buffer.concat(named(body).map(({ number }) => found.parts.get(number) ?? Buffer.alloc(0)));
    const middle = Math.floor(whole.length / 2);
    if (fault.turnsAnOctet) whole.writeUInt8(whole.readUInt8(middle) ^ 1, middle);
    objects.set(found.key, whole);
    uploads.delete(upload);
    return [200, '<CompleteMultipartUploadResult><ETag>"whole"</ETag></CompleteMultipartUploadResult>', xml];
  };
  const begin = (key: string): Said => {
    begun += 1;
    uploads.set(`u${begun}`, { key, parts: new Map() });
    const result = `<InitiateMultipartUploadResult><UploadId>u${begun}</UploadId></InitiateMultipartUploadResult>`;
    return [200, result, xml];
  };
  const answer = (request: IncomingMessage, body: Buffer): Said | 'cut' => {
    const { pathname, searchParams: query } = new URL(`http://bucket${request.url}`);
    const key = decodeURIComponent(pathname.replace(/^\/bucket\/?/, ''));
    const upload = query.get('uploadId') ?? '';
    const number = Number(query.get('partNumber'));
    if (!isSigned(request, body, signer)) return refusal(403, 'SignatureDoesNotMatch');
    switch (`${request.method} ${upload === '' ? '' : 'upload'}`) {
      case 'POST ':
        return query.has('uploads') ? begin(key) : refusal(400, 'InvalidRequest');
      case 'PUT upload':
        return number === fault.cutAtPart ? 'cut' : put(upload, number, body);
      case 'POST upload':
        return complete(upload, body.toString('utf8'));
      case 'GET ':
      case 'HEAD ':
        return objects.has(key) ? [200, objects.get(key) ?? ''] : refusal(404, 'NoSuchKey');
      default:
        return refusal(501, 'NotImplemented');
    }
  };
  const server = createServer((request, response) => {
    void buffer(request).then((body) => {
      const said = answer(request, body);
      if (said === 'cut') return request.socket.destroy();
      const [status, content, headers] = said;
      response.writeHead(status, { 'content-length': Buffer.byteLength(content), ...headers });
      return response.end(request.method === 'HEAD' ? undefined : content);
    });
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as { port: number };
  return {
    url: `http://127.0.0.1:${port}/bucket`,
    objects,
    received,
    fault,
    /** Ends what is not complete, as a rule of a bucket's life cycle does. */
    forgetUploads: () => uploads.clear(),
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

const xml = { 'content-type': 'application/xml' };

function refusal(status: number, code: string): Said {
  return [status, `<?xml version="1.0"?><Error><Code>${code}</Code></Error>`, xml];
}

function tagOf(octets: Buffer): string {
  return `"${createHash('md5').update(octets).digest('hex')}"`;
}

interface NamedPart {
  readonly number: number;
  readonly tag: string;
}

/** The pieces that a completion names. */
function named(body: string): readonly NamedPart[] {
  return [...body.matchAll(/<Part>(.*?)<\/Part>/gs)].map(([, part = '']) => ({
    number: Number(/<PartNumber>(\d+)</.exec(part)?.[1]),
    tag: (/<ETag>(.*?)</.exec(part)?.[1] ?? '').replaceAll('&quot;', '').replaceAll('"', ''),
  }));
}

function whatIsWrong(parts: readonly NamedPart[], there: ReadonlyMap<number, Buffer>): Said | undefined {
  if (parts.length === 0) return refusal(400, 'MalformedXML');
  for (const [index, { number, tag }] of parts.entries()) {
    const octets = there.get(number);
    if (!octets || tagOf(octets) !== `"${tag}"`) return refusal(400, 'InvalidPart');
    if (number <= (parts[index - 1]?.number ?? 0)) return refusal(400, 'InvalidPartOrder');
    if (index < parts.length - 1 && octets.length < leastPartBytes) return refusal(400, 'EntityTooSmall');
  }
  return undefined;
}
