import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

import type { Listen } from '../config/shapes.ts';
import { OperatorError } from '../domain/failure.ts';
import type { Registry } from './metrics.ts';
import { listeningAt, type Running } from './running.ts';

/** One thing a service needs in order to serve. It answers with a reason when it is not there. */
export type Probe = () => Promise<{ readonly ok: true } | { readonly ok: false; readonly why: string }>;

export interface Health {
  readonly service: string;
  readonly listen: Listen;
  /** Wrong here means: restart me (a hung loop). */
  readonly live: Readonly<Record<string, Probe>>;
  /** Wrong here means: send me no work now. */
  readonly ready: Readonly<Record<string, Probe>>;
  readonly metrics: Registry;
}

/** Serves `/health/live`, `/health/ready` and `/metrics` on a port of its own. */
export async function startHealth(health: Health): Promise<Running> {
  const server = createServer((request, response) => {
    answer(health, request.url ?? '/', response).catch(() => response.destroy());
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(health.listen.port, health.listen.host, resolve);
  }).catch((cause: unknown) => {
    throw taken(health, cause);
  });
  return {
    addresses: { health: listeningAt(server.address() as AddressInfo) },
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function taken({ service, listen: { host, port } }: Health, cause: unknown): OperatorError {
  const variable = `${service.toUpperCase()}_HEALTH_LISTEN`;
  return new OperatorError('config-invalid', `the ${service} cannot listen on ${host}:${port}`, {
    hint: `Free the port, or change ${variable}`,
    field: variable,
    cause,
  });
}

async function answer(health: Health, url: string, response: ServerResponse): Promise<void> {
  if (url === '/metrics') {
    response.setHeader('content-type', health.metrics.contentType);
    response.end(await health.metrics.metrics());
    return;
  }
  const probes = { '/health/live': health.live, '/health/ready': health.ready }[url];
  if (!probes) {
    response.writeHead(404).end();
    return;
  }
  const checks = await Promise.all(Object.entries(probes).map(([name, probe]) => look(name, probe)));
  const ok = checks.every((check) => check.ok);
  response.writeHead(ok ? 200 : 503, { 'content-type': 'application/json' });
  response.end(JSON.stringify({ service: health.service, ok, checks }));
}

async function look(name: string, probe: Probe): Promise<{ name: string; ok: boolean; why?: string }> {
  try {
    return { name, ...(await probe()) };
  } catch (error) {
    return { name, ok: false, why: error instanceof Error ? error.message : String(error) };
  }
}
