import { request } from 'node:http';
import { text } from 'node:stream/consumers';

import { inject, TestRunner } from 'vitest';
import { z } from 'zod';

const reply = z.union([
  z.object({ address: z.unknown(), turn: z.number() }),
  z.object({ failure: z.string() }),
]);

export interface Engine<T> {
  readonly address: T;
  /** Counts who asked: a number that no other test of this run has. */
  readonly turn: number;
}

/**
 * Asks for an engine of this test run; the first test that asks waits until it runs. Where it cannot run, the test is skipped
 * with the reason, which stands at the end of the run and fails it under CI.
 */
export async function askForEngine<T>(name: string, shape: z.ZodType<T>): Promise<Engine<T>> {
  const answer = reply.parse(JSON.parse(await ask(name)));
  if ('failure' in answer) return without(`${name} cannot run here: ${answer.failure}`);
  return { address: shape.parse(answer.address), turn: answer.turn };
}

function without(reason: string): never {
  TestRunner.getCurrentTest()?.context.skip(reason);
  throw new Error(reason);
}

async function ask(name: string): Promise<string> {
  return new Promise((resolve, reject) => {
    request({ socketPath: inject('engines'), path: `/${name}` }, (response) => {
      text(response).then(resolve, reject);
    })
      .once('error', reject)
      .end();
  });
}
