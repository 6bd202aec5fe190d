import { request } from 'node:http';
import { text } from 'node:stream/consumers';

import { inject } from 'vitest';
import { z } from 'zod';

const reply = z.union([z.object({ address: z.unknown() }), z.object({ failure: z.string() })]);

/** The address of an engine of this test run; the first test that asks waits until it runs. */
export async function engineAddress<T>(name: string, shape: z.ZodType<T>): Promise<T> {
  const body = await new Promise<string>((resolve, reject) => {
    request({ socketPath: inject('engines'), path: `/${name}` }, (response) => {
      text(response).then(resolve, reject);
    })
      .once('error', reject)
      .end();
  });
  const answer = reply.parse(JSON.parse(body));
  if ('failure' in answer) throw new Error(`${name} did not start: ${answer.failure}`);
  return shape.parse(answer.address);
}
