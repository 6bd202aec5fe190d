import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import type { TestProject } from 'vitest/node';

import { startPostgresEngine } from './postgres-engine.ts';
import type { RunningEngine } from './running-engine.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** Socket on which a test asks for an engine; the first to ask starts it for all. */
    engines: string;
  }
}

const engines: Readonly<Record<string, () => Promise<RunningEngine>>> = { postgres: startPostgresEngine };

/** Runs beside all tests of one run: starts an engine when a test first asks for it, and stops it at the end. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const started = new Map<string, Promise<RunningEngine>>();
  const folder = await mkdtemp(join(tmpdir(), 'mailctl-engines-'));
  const server = createServer((request, response) => void answer(request, response, started));
  const path = join(folder, 'broker');
  await new Promise<void>((resolve) => {
    server.listen(path, resolve);
  });
  project.provide('engines', path);
  return async () => {
    server.close();
    server.closeAllConnections();
    const running = await Promise.allSettled(started.values());
    await Promise.all(running.map((engine) => engine.status === 'fulfilled' && engine.value.stop()));
    await rm(folder, { recursive: true, force: true });
  };
}

async function answer(
  { url = '' }: IncomingMessage,
  response: ServerResponse,
  started: Map<string, Promise<RunningEngine>>,
): Promise<void> {
  const name = url.slice(1);
  const start = engines[name] ?? (() => Promise.reject(new Error(`no engine is called ${name}`)));
  const engine = started.get(name) ?? start();
  started.set(name, engine);
  await engine.then(
    ({ address }) => response.end(JSON.stringify({ address })),
    (error: unknown) =>
      response.end(JSON.stringify({ failure: error instanceof Error ? error.message : String(error) })),
  );
}
