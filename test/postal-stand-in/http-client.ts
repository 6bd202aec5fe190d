import { type IncomingHttpHeaders, request } from 'node:http';

export interface Ask {
  readonly method?: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
  /** Gives up and closes the connection after so long. */
  readonly giveUpAfterMs?: number;
}

export interface Answered {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly rawHeaders: readonly string[];
  readonly body: Buffer;
  readonly text: string;
}

/** One request on a connection of its own; `dropped` when it ended without an answer. */
export function ask(
  base: string,
  { method = 'GET', path, headers = {}, body, giveUpAfterMs }: Ask,
): Promise<Answered | 'dropped'> {
  const { hostname, port } = new URL(base);
  return new Promise((resolve) => {
    const signal = giveUpAfterMs === undefined ? {} : { signal: AbortSignal.timeout(giveUpAfterMs) };
    const length = body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) };
    const outgoing = request({
      hostname,
      port,
      method,
      path,
      headers: { ...headers, ...length },
      agent: false,
      ...signal,
    });
    outgoing.on('error', () => resolve('dropped'));
    outgoing.on('response', (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', () => resolve('dropped'));
      response.on('end', () => {
        const whole = Buffer.concat(chunks);
        const { statusCode = 0, headers, rawHeaders } = response;
        resolve({ status: statusCode, headers, rawHeaders, body: whole, text: whole.toString('utf8') });
      });
    });
    outgoing.end(body);
  });
}

/** The same for a request that must be answered. */
export async function askSurely(base: string, question: Ask): Promise<Answered> {
  const answer = await ask(base, question);
  if (answer === 'dropped') throw new Error(`no answer to ${question.path}`);
  return answer;
}
