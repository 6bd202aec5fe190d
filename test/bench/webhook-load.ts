import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { z } from 'zod';

import type { Signed } from '../integration/api/signed-webhook.ts';
import { startProgram } from '../programs/program.ts';
import type { Order, Sent } from '../programs/webhook-load.ts';

/** Sends webhooks from a process of its own. */
export interface WebhookLoad extends AsyncDisposable {
  send(bodies: readonly Signed[], load: Load): Promise<Sent>;
}

/** Where to, on this machine, and how fast. */
export interface Load extends Pick<Order, 'perSecond' | 'connections'> {
  readonly url: string;
}

const sent = z.object({ times: z.array(z.number()), tookMs: z.number() });

/** Starts the process; it stays the same one, so that its code is compiled when it counts. */
export async function startWebhookLoad(): Promise<WebhookLoad> {
  const folder = await mkdtemp(join(tmpdir(), 'mailctl-webhook-load-'));
  const program = await startProgram('webhook-load.ts');
  const { port } = z.object({ port: z.number() }).parse(program.said);
  const file = join(folder, 'requests');
  return {
    send: async (bodies, { url, perSecond, connections }) => {
      const target = new URL(url);
      const requests = bodies.map((body) => octetsOf(body, target));
      await writeFile(file, Buffer.concat(requests));
      const sizes = requests.map(({ length }) => length);
      const order: Order = { port: Number(target.port), file, sizes, perSecond, connections };
      const body = JSON.stringify(order);
      const answer = await fetch(`http://127.0.0.1:${port}`, { method: 'POST', body });
      if (!answer.ok) throw new Error(`the load broke off: ${await answer.text()}`);
      return sent.parse(await answer.json());
    },
    [Symbol.asyncDispose]: async () => {
      await program[Symbol.asyncDispose]();
      await rm(folder, { recursive: true });
    },
  };
}

/** The request as it goes on the wire. */
function octetsOf({ body, headers }: Signed, url: URL): Buffer {
  const fields = { host: url.host, 'content-length': body.length, ...headers };
  const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`);
  return Buffer.concat([
    Buffer.from(`POST ${url.pathname} HTTP/1.1\r\n${lines.join('')}\r\n`),
    Buffer.from(body),
  ]);
}
