import type { IncomingHttpHeaders } from 'node:http';

import { type ApiAnswer, type ApiParams, failure, isBlank } from './api-answers.ts';
import type { Office } from './office.ts';
import { readDeliveries, readMessage } from './read-message.ts';
import { type Answer, emptyReply, jsonReply, pageReply } from './reply.ts';
import { float, rubyJson } from './ruby-json.ts';
import { sendMessage } from './send-message.ts';
import { sendRaw } from './send-raw.ts';

type Call = (office: Office, params: ApiParams) => Promise<ApiAnswer>;

/** Postal's API; the method does not matter. */
const calls: Readonly<Record<string, Call>> = {
  '/api/v1/send/raw': sendRaw,
  '/api/v1/send/message': sendMessage,
  '/api/v1/messages/message': readMessage,
  '/api/v1/messages/deliveries': readDeliveries,
};

export interface ApiRequest {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** Answers a call of the API: 200 with an envelope for good and bad alike; undefined for a path that is none of it. */
export async function answerApi(office: Office, request: ApiRequest): Promise<Answer | undefined> {
  const call = calls[request.path];
  if (!call) return undefined;
  const { clock } = office.world;
  const start = clock.monotonicMs();
  const params = readParams(request);
  if (!params) return emptyReply(400);
  const answer = refuseKey(office, request.headers['x-server-api-key']) ?? (await call(office, params));
  if (answer.status === 'dropped') return 'dropped';
  if (answer.status === 'broken') return pageReply(500);
  if (answer.delayMs !== undefined) await clock.sleep(answer.delayMs, office.stop);
  const time = float(Math.round(clock.monotonicMs() - start) / 1000);
  return jsonReply(rubyJson({ status: answer.status, time, flags: {}, data: answer.data }));
}

/** Keys are compared without case, as MariaDB's utf8mb4_general_ci does; HTTP has cut trailing spaces off already. */
function refuseKey(office: Office, key: string | string[] | undefined): ApiAnswer | undefined {
  const given = String(key ?? '');
  if (isBlank(given)) return failure('AccessDenied', { message: 'Must be authenticated as a server.' });
  if (office.settings.apiKeys.includes(comparable(given))) {
    office.registry.noteUse(comparable(given), office.world.clock.now());
    return undefined;
  }
  return failure('InvalidServerAPIKey', {
    message: 'The API token provided in X-Server-API-Key was not valid.',
    token: given,
  });
}

/** The form in which two API keys are equal for Postal. */
export function comparable(key: string): string {
  return key.toLowerCase();
}

/** JSON in the body, or in the field `params` of a form; anything else is no parameters. Undefined: JSON that is none. */
function readParams({ headers, body }: ApiRequest): ApiParams | undefined {
  const type = headers['content-type'] ?? '';
  if (type.startsWith('application/json')) return body.length === 0 ? {} : parseObject(body.toString('utf8'));
  if (!type.startsWith('application/x-www-form-urlencoded')) return {};
  return parseObject(new URLSearchParams(body.toString('utf8')).get('params') ?? '{}');
}

function parseObject(text: string): ApiParams | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? { ...value } : {};
  } catch {
    return undefined;
  }
}
