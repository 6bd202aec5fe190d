import swagger from '@fastify/swagger';
import { createJsonSchemaTransform } from 'fastify-type-provider-zod';
import { z } from 'zod';

import { type Gate, limitNetwork } from './authenticate.ts';
import { newMessage } from './contracts/message.ts';
import type { HttpServer } from './http-server.ts';

/** Serves `/v1/openapi.json`, generated from the schemas that the routes themselves use. Comes before the routes it describes. */
export async function defineOpenApi(server: HttpServer, gate: Gate): Promise<void> {
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
  server.get(
    '/v1/openapi.json',
    { schema: { hide: true }, onRequest: limitNetwork(gate) },
    async (_, reply) => reply.type('application/json').send(JSON.stringify(withBodies(server.swagger()))),
  );
}

const bodies = {
  '/v1/messages': {
    parameters: sendingHeaders(),
    requestBody: {
      required: true,
      content: {
        'application/json': { schema: z.toJSONSchema(newMessage, { io: 'input' }) },
        'message/rfc822': { schema: { type: 'string', contentMediaType: 'message/rfc822' } },
      },
    },
  },
  '/v1/suppressions/import': {
    requestBody: {
      required: true,
      content: { 'text/csv': { schema: { type: 'string', contentMediaType: 'text/csv' } } },
    },
  },
} as const;

/** What the schemas of a route cannot say: two content types for one operation, and bodies that are no JSON. */
function withBodies(document: object): object {
  const paths = 'paths' in document && isRecord(document.paths) ? document.paths : {};
  const completed = Object.entries(bodies).map(([path, body]) => {
    const item = isRecord(paths[path]) ? paths[path] : {};
    const post = isRecord(item['post']) ? item['post'] : {};
    return [path, { ...item, post: { ...post, ...body } }] as const;
  });
  return { ...document, paths: { ...paths, ...Object.fromEntries(completed) } };
}

function sendingHeaders() {
  return [
    header('Idempotency-Key', 'Names the request: sent again with the same body, it gives the first answer'),
    header('Mail-From', 'Envelope sender of a message/rfc822 body; else its From'),
    header('Rcpt-To', 'Envelope recipients of a message/rfc822 body, by commas; else its To, Cc and Bcc'),
  ];
}

function header(name: string, description: string) {
  return { in: 'header', name, description, required: false, schema: { type: 'string' } };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
