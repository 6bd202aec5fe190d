import { createServer, type IncomingMessage } from 'node:http';
import { buffer } from 'node:stream/consumers';

/** A bucket as S3's REST interface has it, in memory: objects, uploads in parts, a cut before a part of one's choice, and a storage that turns an octet. */
export async function startBucket() {
  const objects = new Map<string, Buffer>();
  const uploads = new Map<string, { readonly key: string; readonly parts: Map<number, Buffer> }>();
  const received: string[] = [];
  const fault = { cutAtPart: 0, turnsAnOctet: false };
  const isSigned = ({ headers }: IncomingMessage) =>
    String(headers.authorization).startsWith('AWS4-HMAC-SHA256 Credential=id/');
  const looked = (query: URLSearchParams, key: string): readonly [number, string | Buffer] => {
    if (query.has('uploads')) {
      const open = [...uploads].map(
        ([id, { key: of }]) => `<Upload><Key>${of}</Key><UploadId>${id}</UploadId></Upload>`,
      );
      return [200, `<ListMultipartUploadsResult>${open.join('')}</ListMultipartUploadsResult>`];
    }
    const object = objects.get(key);
    return object ? [200, object] : [404, ''];
  };
  const completed = (upload: string, key: string): readonly [number, string] => {
    const parts = [...(uploads.get(upload)?.parts ?? [])].toSorted(([a], [b]) => a - b);
    const whole = Buffer.concat(parts.map(([, bytes]) => bytes));
    const middle = Math.floor(whole.length / 2);
    if (fault.turnsAnOctet) whole.writeUInt8(whole.readUInt8(middle) ^ 1, middle);
    objects.set(key, whole);
    uploads.delete(upload);
    return [200, '<CompleteMultipartUploadResult><ETag>"whole"</ETag></CompleteMultipartUploadResult>'];
  };
  const answer = async (
    request: IncomingMessage,
  ): Promise<readonly [number, string | Buffer] | undefined> => {
    const { pathname, searchParams: query } = new URL(`http://bucket${request.url}`);
    const key = decodeURIComponent(pathname.replace(/^\/bucket\/?/, ''));
    const body = await buffer(request);
    const upload = query.get('uploadId') ?? '';
    if (!isSigned(request)) return [403, ''];
    if (request.method === 'POST' && query.has('uploads')) {
      uploads.set(`u${uploads.size}`, { key, parts: new Map() });
      return [
        200,
        `<InitiateMultipartUploadResult><UploadId>u${uploads.size - 1}</UploadId></InitiateMultipartUploadResult>`,
      ];
    }
    if (request.method === 'PUT' && upload !== '') {
      const number = Number(query.get('partNumber'));
      if (number === fault.cutAtPart) return undefined;
      received.push(`${key} ${number}`);
      uploads.get(upload)?.parts.set(number, body);
      return [200, ''];
    }
    if (request.method === 'POST') return completed(upload, key);
    return looked(query, key);
  };
  const server = createServer((request, response) => {
    void answer(request).then((said) => {
      if (!said) return request.socket.destroy();
      const [status, body] = said;
      response.writeHead(status, { 'content-length': Buffer.byteLength(body), etag: '"part"' });
      return response.end(request.method === 'HEAD' ? undefined : body);
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
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
    },
  };
}
