import type { FastifyReply, FastifyRequest } from 'fastify';

import { allows, digestsEqual, readApiKey, type Scope } from '../../domain/api-key.ts';
import { withinAny } from '../../domain/ip-address.ts';
import { networkOf } from '../../domain/network.ts';
import { ratePolicyOf } from '../../domain/request-rate.ts';
import { type ApiKey, findApiKey } from '../../store/api-keys.ts';
import type { ApiMetrics } from './api-metrics.ts';
import { type RateLimiter, rateHeaders } from './limiter.ts';
import { ApiProblem } from './problem.ts';
import type { ApiWorld } from './room.ts';

declare module 'fastify' {
  interface FastifyRequest {
    caller: Caller | undefined;
  }
}

/** Whose key a request carries. */
export type Caller = Omit<ApiKey, 'digest' | 'revokedAt'>;

/** What the gate in front of the api needs. */
export interface Gate extends Pick<ApiWorld, 'clock' | 'db'> {
  readonly metrics: ApiMetrics;
  /** Per key. */
  readonly requests: RateLimiter;
  /** Per network, for those without a valid key. */
  readonly failures: RateLimiter;
  /** When keys were last used, waiting to be written down. */
  readonly uses: Map<string, Date>;
}

/** A hook that lets a request pass with a valid key of this scope (or any, where none is named), within its rate, before its body is read. */
export function requireKey(gate: Gate, scope: Scope | undefined) {
  return async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    const caller = await authenticate(gate, request);
    await limit(gate, { ...caller, who: 'This key' }, reply);
    if (scope !== undefined && !allows(caller.scopes, scope)) {
      throw new ApiProblem('scope-missing', `This needs a key with the scope ${scope}`);
    }
    request.caller = caller;
  };
}

/** A hook for what needs no key: each network has the rate that a key has. */
export function limitNetwork(gate: Pick<Gate, 'requests' | 'metrics'>) {
  return async ({ ip }: FastifyRequest, reply: FastifyReply): Promise<void> =>
    limit(gate, { id: networkOf(ip), rate: undefined, who: 'Your address' }, reply);
}

/** The caller that `requireKey` let pass. */
export function callerOf(request: FastifyRequest): Caller {
  if (!request.caller) throw new TypeError('this route has no requireKey hook');
  return request.caller;
}

async function authenticate(gate: Gate, request: FastifyRequest): Promise<Caller> {
  const outcome = await judge(gate, request);
  if (!(outcome instanceof ApiProblem)) {
    gate.uses.set(outcome.id, gate.clock.now());
    return outcome;
  }
  gate.metrics.refusedKeys.inc({ code: outcome.code });
  const decision = await gate.failures.take(networkOf(request.ip));
  if (decision.allowed) throw outcome;
  gate.metrics.limited.inc({ limit: 'failures' });
  throw new ApiProblem('rate-limited', 'Too many requests from your address had no valid key', {
    headers: rateHeaders(gate.failures.policy, decision),
    cause: outcome,
  });
}

async function judge(
  { db, clock }: Gate,
  { headers, ip }: Pick<FastifyRequest, 'headers' | 'ip'>,
): Promise<Caller | ApiProblem> {
  const presented = readApiKey(/^Bearer +(\S+)$/i.exec(headers.authorization ?? '')?.[1] ?? '');
  if (presented.kind === 'no-key')
    return refusal('key-missing', 'Send Authorization: Bearer with a key that begins with mk_');
  if (presented.kind === 'mistyped')
    return refusal('key-mistyped', 'The checksum at the end of the key does not fit: copy it again, whole');
  const key = await findApiKey(db, presented.id);
  if (!key || !digestsEqual(key.digest, presented.digest))
    return refusal('key-unknown', 'There is no such key');
  return validity(key, clock.now(), ip);
}

function validity(key: ApiKey, now: Date, address: string): Caller | ApiProblem {
  if (key.revokedAt && key.revokedAt <= now)
    return refusal('key-revoked', `The key ${key.id} was revoked at ${key.revokedAt.toISOString()}`);
  if (key.expiresAt && key.expiresAt <= now)
    return refusal('key-expired', `The key ${key.id} expired at ${key.expiresAt.toISOString()}`);
  if (key.networks.length > 0 && !withinAny(key.networks)(address))
    return new ApiProblem('key-network', `The key ${key.id} is not taken from ${address}`);
  return key;
}

type Refusal = 'key-missing' | 'key-mistyped' | 'key-unknown' | 'key-revoked' | 'key-expired';

function refusal(code: Refusal, detail: string): ApiProblem {
  const error = code === 'key-missing' ? '' : ', error="invalid_token"';
  return new ApiProblem(code, detail, {
    field: 'authorization',
    headers: { 'www-authenticate': `Bearer realm="mailctl"${error}` },
  });
}

interface Limited {
  readonly id: string;
  readonly rate: Caller['rate'];
  readonly who: string;
}

async function limit(
  { requests, metrics }: Pick<Gate, 'requests' | 'metrics'>,
  { id, rate, who }: Limited,
  reply: FastifyReply,
): Promise<void> {
  const policy = rate ? ratePolicyOf(rate) : requests.policy;
  const decision = await requests.take(id, policy);
  const headers = rateHeaders(policy, decision, rate ? 'key' : 'default');
  reply.headers(headers);
  if (decision.allowed) return;
  metrics.limited.inc({ limit: 'requests' });
  const code = rate ? 'key-rate-limited' : 'rate-limited';
  throw new ApiProblem(code, `${who} has used up its rate; see Retry-After`, { headers });
}
