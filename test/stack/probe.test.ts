import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { type Envelope, runningStack, type TestStack } from './harness/stack.ts';

const longMs = 900_000;

let stack: TestStack;
let written: string;

describe('e2e with nobody named to send to', () => {
  beforeAll(async () => {
    stack = await runningStack();
    const path = join(stack.dir, '.env');
    written = readFileSync(path, 'utf8');
    writeFileSync(path, written.replaceAll(/^E2E_RECIPIENT=.*\n/gm, ''));
  }, longMs);

  afterAll(() => writeFileSync(join(stack.dir, '.env'), written));

  it(
    'sends to the address that Postal routes to the api, reads what came back, and writes JUnit here',
    { timeout: longMs },
    async () => {
      const checks = ['mailbox.exact', 'tracking', 'postal-webhook', 'ams-webhook'];
      const words = ['e2e', ...checks, '--junit', 'report.xml', '--json'];
      const { stdout, stderr } = await stack.env(['DNS_TIMEOUT=300ms', 'DNS_TRIES=1'], ...words);
      const { ok, data } = JSON.parse(stdout) as Envelope;
      expect(data).toMatchObject({ failed: 0, first_broken_hop: null });
      expect(ok).toBe(true);
      expect(data?.['checks']).toContainEqual(
        expect.objectContaining({ id: 'mailbox.arrived', result: 'pass' }),
      );
      expect(stderr).toMatch(/sending to \S+@\S+example\.com, which Postal routes to the api/);
      expect(readFileSync(join(stack.dir, 'report.xml'), 'utf8')).toContain(
        '<testcase name="mailbox.arrived"',
      );
    },
  );

  it('writes the report also when a hop is broken, and ends with 20', { timeout: longMs }, async () => {
    const words = ['e2e', 'mailbox.arrived', '--to', 'hardfail@example.org', '--junit', 'broken.xml'];
    const { exit } = await stack.env(['E2E_TIMEOUT=2s', 'E2E_MAILBOX_URL=http://nginx:1'], ...words);
    expect(exit).toBe(20);
    expect(readFileSync(join(stack.dir, 'broken.xml'), 'utf8')).toContain('<failure');
  });
});
