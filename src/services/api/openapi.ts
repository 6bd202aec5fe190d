import swagger from '@fastify/swagger';
import { createJsonSchemaTransform } from 'fastify-type-provider-zod';
import { z } from 'zod';

import { newMessage } from './contracts/message.ts';
import type { HttpServer } from './http-server.ts';

/** Serves `/v1/openapi.json`, generated from the schemas that the routes themselves use. Comes before the routes it describes. */
export async function defineOpenApi(server: HttpServer): Promise<void> {
  await server.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'mailctl',
        version: '1',
        description: 'Sends messages through Postal and tells what became of them.',
      },
      components: { securitySchemes: { key: { type: 'http', scheme: 'bearer', bearerFormat: 'mk_…' } } },
      security: [{ key: [] }],
    },
    transform: createJsonSchemaTransform({ skipList: ['/v1/openapi.json'] }),
  });
  server.get('/v1/openapi.json', { schema: { hide: true } }, async (_, reply) =>
    reply.type('application/json').send(JSON.stringify(withRawMessages(server.swagger()))),
  );
}

const sendingBody = {
  required: true,
  content: {
    'application/json': { schema: z.toJSONSchema(newMessage, { io: 'input' }) },
    'message/rfc822': { schema: { type: 'string', contentMediaType: 'message/rfc822' } },
  },
};

/** One operation takes two content types, which the schemas of a route cannot say. */
function withRawMessages(document: object): object {
  const paths = 'paths' in document && isRecord(document.paths) ? document.paths : {};
  const messages = isRecord(paths['/v1/messages']) ? paths['/v1/messages'] : {};
  const post = isRecord(messages['post']) ? messages['post'] : {};
  return {
    ...document,
    paths: {
      ...paths,
      '/v1/messages': {
        ...messages,
        post: { ...post, requestBody: sendingBody, parameters: sendingHeaders },
      },
    },
  };
}

const sendingHeaders = [
  header('Idempotency-Key', 'Names the request: sent again with the same body, it gives the first answer'),
  header('Mail-From', 'Envelope sender of a message/rfc822 body; else its From'),
  header(
    'Rcpt-To',
    'Envelope recipients of a message/rfc822 body, separated by commas; else its To, Cc and Bcc',
  ),
];

function header(name: string, description: string) {
  return { in: 'header', name, description, required: false, schema: { type: 'string' } };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
