import type { Secret } from '../domain/secret.ts';
import type { HttpRequest } from './http.ts';

/** Where a mail server of Postal is asked. */
export interface PostalAddress {
  readonly url: string;
  /** Postal's web_hostname: it answers 403 to any other Host. */
  readonly hostname: string;
  /** Asked at each request: it rotates. */
  readonly apiKey: () => Secret;
  readonly timeoutMs: number;
}

/** A request to Postal's HTTP API, such as `send/raw`. */
export function postalRequest(
  { url, hostname, apiKey, timeoutMs }: PostalAddress,
  path: string,
  body: object,
): HttpRequest {
  return {
    method: 'POST',
    url: `${url}/api/v1/${path}`,
    headers: {
      host: hostname,
      'content-type': 'application/json',
      'x-server-api-key': apiKey().reveal(),
    },
    body: JSON.stringify(body),
    withinMs: timeoutMs,
  };
}
