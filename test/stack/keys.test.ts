import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { beforeAll, expect, it } from 'vitest';

import { parseEnvFile } from '../../src/config/env-file.ts';
import { until } from './harness/containers.ts';
import { runningStack, type TestStack } from './harness/stack.ts';

const longMs = 900_000;

let stack: TestStack;
beforeAll(async () => {
  stack = await runningStack();
}, longMs);

const token = () =>
  parseEnvFile(readFileSync(join(stack.dir, '.env'), 'utf8')).values.get('API_INTERNAL_TOKEN')?.text ?? '';

/** When each of these containers was started. */
async function startsOf(...services: readonly string[]): Promise<readonly string[]> {
  const names = services.map((service) => `${stack.name}-${service}-1`);
  const { stdout } = await stack.docker('inspect', '--format', '{{.State.StartedAt}}', ...names);
  return stdout.trim().split('\n');
}

/** How the api answers a relay that shows this token. */
async function relayIsAnswered(shown: string): Promise<number> {
  const program = `fetch('http://api:8081/internal/v1/held-secrets', { method: 'POST', body: '{"holder":"a b 1","held":{}}',
    headers: { authorization: 'Bearer ${shown}', 'content-type': 'application/json' } }).then(({ status }) => console.log(status))`;
  const { stdout } = await stack.docker('exec', `${stack.name}-worker-1`, 'node', '-e', program);
  return Number(stdout);
}

it(
  'rotates by files that services read anew: no container of ours starts again',
  { timeout: longMs },
  async () => {
    const ours = ['relay', 'api', 'worker', 'scheduler'];
    const old = token();
    const before = await startsOf(...ours);
    for (const words of [['--overlap', '0s'], ['--force']]) {
      const { error } = await stack.json('keys', 'rotate', '--kind', 'relay', ...words, '--yes');
      expect(error).toBeUndefined();
    }

    const { data } = await stack.json('keys', 'list', '--kind', 'relay');
    expect(data?.['keys']).toMatchObject([{ kind: 'relay', state: 'active' }]);
    expect(await startsOf(...ours)).toEqual(before);
    await until('the api refuses the old one', async () => (await relayIsAnswered(old)) === 401);
    expect(await relayIsAnswered(token())).toBe(200);
  },
);
