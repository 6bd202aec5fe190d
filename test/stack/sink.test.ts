import { Resolver } from 'node:dns/promises';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { runningStack, type TestStack } from './harness/stack.ts';

const longMs = 900_000;
const sinkAddress = '10.213.54.53';

let stack: TestStack;
let written: string;

interface Check {
  readonly id: string;
  readonly result: string;
  readonly seen: string;
}

interface Shown {
  readonly domains: readonly {
    readonly records: readonly {
      readonly type: string;
      readonly name: string;
      readonly expected: string;
    }[];
  }[];
}

describe('the stack with the profile sink', () => {
  beforeAll(async () => {
    stack = await runningStack();
    const path = join(stack.dir, '.env');
    written = readFileSync(path, 'utf8');
    const others = written.split('\n').filter((line) => !/^E2E_(RECIPIENT|MAILBOX_URL)=/.test(line));
    writeFileSync(path, [...others, `SINK_ADDRESS=${sinkAddress}`, ''].join('\n'));
    const { exit, stderr } = await stack.mailctl('up', '--profile', 'sink', '--yes', '--no-input');
    if (exit !== 0) throw new Error(`up ended with ${exit}: ${stderr}`);
  }, longMs);

  afterAll(async () => {
    writeFileSync(join(stack.dir, '.env'), written);
    await stack.mailctl('up', '--yes', '--no-input');
  }, longMs);

  it('is remembered: an up that does not name it leaves it as it is', { timeout: longMs }, async () => {
    expect(readFileSync(join(stack.dir, '.env'), 'utf8')).toMatch(/^STACK_PROFILES=sink$/m);
    expect((await stack.json('up')).data).toMatchObject({ plan: { steps: [] } });
  });

  it(
    'proves mail with the sink as mailbox: it arrived signed and tracked, and every webhook came',
    { timeout: longMs },
    async () => {
      const { data } = await stack.json('e2e');
      const checks = data?.['checks'] as readonly Check[];
      const result = (id: string) => checks.find((check) => check.id === id)?.result;
      expect(checks.filter((check) => check.result === 'fail')).toEqual([]);
      const seen = [
        'mailbox.arrived',
        'mailbox.rewritten',
        'mailbox.dkim',
        'webhook.opened',
        'webhook.clicked',
      ];
      expect(seen.map(result)).toEqual(seen.map(() => 'pass'));
    },
  );

  it(
    'answers every record of domains records, and leads all other mail to itself',
    { timeout: longMs },
    async () => {
      const { domains } = (await stack.json('domains', 'records')).data as unknown as Shown;
      const resolver = new Resolver({ timeout: 5_000, tries: 2 });
      resolver.setServers([sinkAddress]);
      const asked = domains.flatMap(({ records }) => records);
      expect(asked.length).toBeGreaterThan(10);
      for (const { type, name, expected } of asked) {
        const values = (await resolver.resolve(name, type)) as unknown as readonly unknown[];
        expect(values.map(asText), `${type} ${name}`).toContain(expected);
      }
      expect(await resolver.resolveMx('somebody.example')).toEqual([
        { exchange: 'sink.invalid', priority: 10 },
      ]);
      expect(await resolver.resolve4('sink.invalid')).toEqual([sinkAddress]);
      expect((await stack.json('domains', 'check')).ok).toBe(true);
    },
  );

  it('shows Postal no other name server, and no name another address', { timeout: longMs }, async () => {
    const asked = await stack.docker(
      'compose',
      '--project-directory',
      stack.dir,
      'exec',
      '-T',
      'postal-worker',
      'ruby',
      '-rsocket',
      '-e',
      'puts Addrinfo.getaddrinfo("mx.elsewhere.example", 25, :INET, :STREAM).map(&:ip_address)',
    );
    expect(asked.stdout.trim()).toBe(sinkAddress);
  });
});

function asText(value: unknown): string {
  if (Array.isArray(value)) return value.join('');
  if (typeof value !== 'object' || value === null) return String(value);
  const { priority, exchange } = value as { priority: number; exchange: string };
  return `${priority} ${exchange}`;
}
