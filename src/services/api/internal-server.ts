import { textsEqual } from '../../domain/api-key.ts';
import { fingerprintOf } from '../../domain/fingerprint.ts';
import { Secret } from '../../domain/secret.ts';
import { recordHolder } from '../../store/secret-uses.ts';
import type { ApiMetrics } from './api-metrics.ts';
import { heldSecrets, senderDomainsQuestion, smtpAuthQuestion } from './contracts/internal.ts';
import { type HttpServer, openHttpServer } from './http-server.ts';
import { takeSubmissions } from './intake.ts';
import { parseJson } from './json-body.ts';
import type { KeyEnds } from './key-ends.ts';
import { ApiProblem } from './problem.ts';
import type { ApiConfig, ApiWorld } from './room.ts';
import type { SecretUses } from './secret-uses.ts';
import type { Look, SenderLooks } from './sender-looks.ts';
import { checkPassword } from './smtp-auth.ts';
import { validated } from './validation.ts';

const submissionsType = 'application/vnd.mailctl.submissions';

export interface InternalServer {
  readonly config: ApiConfig;
  readonly world: ApiWorld;
  readonly metrics: ApiMetrics;
  readonly secretUses: SecretUses;
  readonly keyEnds: KeyEnds;
  readonly senderLooks: SenderLooks;
}

/** The server for the relay alone: no proxy and no public limit stands in front of it, a token does. */
export function openInternalServer(parts: InternalServer): HttpServer {
  const { config, world, metrics } = parts;
  const server = openHttpServer(
    {
      listener: 'internal',
      maxBodyBytes: config.API_INTERNAL_MAX_BODY_BYTES,
      requestTimeoutMs: config.API_REQUEST_TIMEOUT,
      trustedProxies: [],
    },
    { ...world, metrics },
  );
  server.addHook('onRequest', async ({ headers }) => {
    requireToken(parts, headers.authorization ?? '');
  });
  server.addContentTypeParser(
    submissionsType,
    { parseAs: 'buffer' },
    async (_: unknown, body: Buffer) => body,
  );
  server.addContentTypeParser('application/json', { parseAs: 'buffer' }, async (_: unknown, body: Buffer) =>
    parseJson(body, config.API_MAX_JSON_DEPTH),
  );
  defineRoutes(server, parts);
  return server;
}

function defineRoutes(server: HttpServer, { config, world, metrics, senderLooks }: InternalServer): void {
  server.post('/internal/v1/submissions', async ({ body }) => {
    if (!Buffer.isBuffer(body))
      throw new ApiProblem('unsupported-media-type', `Send ${submissionsType}`, { field: 'content-type' });
    return { results: await takeSubmissions({ ...world, metrics, limits: config }, body) };
  });
  server.post('/internal/v1/smtp-auth', async ({ body }) => {
    const { username, password } = validated(smtpAuthQuestion, body);
    const answer = await checkPassword({ ...world, config }, username, new Secret(password));
    metrics.smtpAuth.inc({ outcome: 'code' in answer ? 'expired' : answer.outcome });
    return answer;
  });
  server.post('/internal/v1/sender-domains', async ({ body }) => {
    const { anew } = validated(senderDomainsQuestion, body);
    return senderDomainsAnswer(anew ? await senderLooks.anew() : await senderLooks.last());
  });
  server.post('/internal/v1/held-secrets', async ({ body }) => {
    const { holder, held } = validated(heldSecrets, body);
    await recordHolder(world.db, holder, new Map(Object.entries(held)));
    return {};
  });
}

function senderDomainsAnswer({ seen, isNew }: Look) {
  if (!seen) return { domains: null, is_new: isNew };
  const { names, any, senderSuffices } = seen.domains;
  const domains = { names: [...names], any, sender_suffices: senderSuffices, age_ms: Math.round(seen.ageMs) };
  return { domains, is_new: isNew };
}

/** During a rotation two tokens are believed; which of them was shown is written down. */
function requireToken(
  { config, secretUses, keyEnds }: Pick<InternalServer, 'config' | 'secretUses' | 'keyEnds'>,
  authorization: string,
): void {
  const presented = /^Bearer (\S+)$/.exec(authorization)?.[1] ?? '';
  const tokens = [config.API_INTERNAL_TOKEN, config.API_INTERNAL_TOKEN_ALSO];
  const token = tokens.find((one) => one && textsEqual(presented, one.reveal()));
  if (!token)
    throw new ApiProblem('token-wrong', 'Relay and api have different values of API_INTERNAL_TOKEN');
  if (keyEnds.hasEnded('relay', fingerprintOf(token)))
    throw new ApiProblem(
      'key-expired',
      'This API_INTERNAL_TOKEN has ended: mailctl keys rotate --kind relay',
    );
  secretUses.note(token);
}
