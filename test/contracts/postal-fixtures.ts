import { readdirSync, readFileSync } from 'node:fs';

const root = new URL('fixtures/postal/', import.meta.url);

/** An exchange recorded from a real Postal. */
export interface Exchange {
  readonly name: string;
  readonly request: {
    readonly method: string;
    readonly path: string;
    readonly host: string;
    readonly headers: Readonly<Record<string, string>>;
    readonly body: unknown;
  };
  readonly response: {
    readonly status: number;
    readonly headers: Readonly<Record<string, string>>;
    readonly body: string;
    readonly bytes?: number;
  };
}

export interface RecordedWebhook {
  readonly name: string;
  readonly body: Buffer;
  readonly headers: Readonly<Record<string, string>>;
  readonly method: string;
  readonly httpVersion: string;
}

/** Every exchange of a folder, by name. */
export function recordedExchanges(folder: 'api' | 'tracking'): Exchange[] {
  return readdirSync(new URL(`${folder}/`, root))
    .filter((file) => file.endsWith('.json') && file !== 'rotation-revoked-key.json')
    .map((file) => exchangeOf(file.replace(/\.json$/, ''), json(`${folder}/${file}`)));
}

export function recordedWebhooks(): RecordedWebhook[] {
  return readdirSync(new URL('webhooks/', root)).map((name) => {
    const { headers, method, httpVersion } = json(`webhooks/${name}/headers.json`);
    return { name, body: recordedFile(`webhooks/${name}/body.json`), headers, method, httpVersion };
  });
}

export function recordedFile(path: string): Buffer {
  return readFileSync(new URL(path, root));
}

export function json(path: string) {
  return JSON.parse(recordedFile(path).toString('utf8'));
}

function exchangeOf(name: string, { request, response }: Pick<Exchange, 'request' | 'response'>): Exchange {
  const whole = { method: 'GET', headers: {}, body: '' };
  return { name, request: { ...whole, ...request }, response };
}
