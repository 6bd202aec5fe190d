import { createServer } from 'node:http';
import { join } from 'node:path';

import type { TestProject } from 'vitest/node';

import { makeVanishingFolder } from '../../src/adapters/vanishing-folder.ts';
import { startMariadbEngine } from './mariadb-engine.ts';
import { startPostgresEngine } from './postgres-engine.ts';
import { startRedisEngine } from './redis-engine.ts';
import type { RunningEngine } from './running-engine.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** Socket on which a test asks for an engine; the first to ask starts it for all. */
    engines: string;
  }
}

const engines: Readonly<Record<string, () => Promise<RunningEngine>>> = {
  mariadb: () => startMariadbEngine(),
  postgres: startPostgresEngine,
  redis: startRedisEngine,
};

/** Runs beside all tests of one run: starts an engine when a test first asks for it, and stops it at the end. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const started = new Map<string, Promise<RunningEngine>>();
  const folder = await makeVanishingFolder('mailctl-engines-');
  const turns = counter();
  const server = createServer(({ url = '' }, response) => {
    void answer(url.slice(1), started, turns).then((body) => response.end(JSON.stringify(body)));
  });
  const path = join(folder.path, 'broker');
  await new Promise<void>((resolve) => {
    server.listen(path, resolve);
  });
  project.provide('engines', path);
  return async () => {
    server.close();
    server.closeAllConnections();
    const running = await Promise.allSettled(started.values());
    await Promise.all(running.map((engine) => engine.status === 'fulfilled' && engine.value.stop()));
    await folder[Symbol.asyncDispose]();
  };
}

async function answer(
  name: string,
  started: Map<string, Promise<RunningEngine>>,
  turns: () => number,
): Promise<unknown> {
  const start = engines[name] ?? (() => Promise.reject(new Error(`no engine is called ${name}`)));
  const engine = started.get(name) ?? start();
  started.set(name, engine);
  return engine.then(
    ({ address }) => ({ address, turn: turns() }),
    (error: unknown) => ({ failure: error instanceof Error ? error.message : String(error) }),
  );
}

function counter(): () => number {
  let last = 0;
  return () => (last += 1);
}
