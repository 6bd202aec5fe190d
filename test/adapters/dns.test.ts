import { expect, it } from 'vitest';

import { DnsSilence, openDns } from '../../src/adapters/dns.ts';
import { type Served, startNameServer } from '../dns/name-server.ts';

const zone: readonly Served[] = [
  { type: 'NS', name: 'acme.test', value: 'ns1.acme.test' },
  { type: 'A', name: 'ns1.acme.test', value: '127.0.0.1' },
];

/** A resolver that knows where the zone is, and the zone's own server. */
async function servers(own: Parameters<typeof startNameServer>[0]) {
  const resolver = await startNameServer(zone);
  const authority = await startNameServer(own);
  const open = (authoritative = true) =>
    openDns({
      resolver: `127.0.0.1:${resolver.port}`,
      authoritative,
      port: authority.port,
      timeoutMs: 200,
      tries: 1,
    });
  return {
    resolver,
    authority,
    open,
    [Symbol.asyncDispose]: async () => {
      await resolver[Symbol.asyncDispose]();
      await authority[Symbol.asyncDispose]();
    },
  };
}

it("asks the zone's own name server, not the resolver that may remember", async () => {
  await using dns = await servers([{ type: 'TXT', name: 'spf.acme.test', value: 'v=spf1 -all' }]);

  expect(await dns.open().ask('spf.acme.test', 'TXT')).toEqual([
    { server: 'ns1.acme.test', values: ['v=spf1 -all'] },
  ]);
  expect(dns.resolver.questions).not.toContain('spf.acme.test TXT');
});

it('reads every type of record, and joins a text of many strings', async () => {
  const long = 'p='.padEnd(600, 'k');
  await using dns = await servers([
    { type: 'TXT', name: 'k.acme.test', value: long },
    { type: 'MX', name: 'acme.test', value: '10 mx.acme.test' },
    { type: 'A', name: 'mx.acme.test', value: '203.0.113.7' },
    { type: 'CNAME', name: 'click.acme.test', value: 'track.other.test' },
  ]);
  const { ask } = dns.open();
  const values = async (...asked: Parameters<typeof ask>) => (await ask(...asked))[0]?.values;

  expect(await values('k.acme.test', 'TXT')).toEqual([long]);
  expect(await values('acme.test', 'MX')).toEqual(['10 mx.acme.test']);
  expect(await values('mx.acme.test', 'A')).toEqual(['203.0.113.7']);
  expect(await values('click.acme.test', 'CNAME')).toEqual(['track.other.test']);
});

it('takes a name or a record that does not exist for an answer', async () => {
  await using dns = await servers(zone);

  expect(await dns.open().ask('nowhere.acme.test', 'TXT')).toEqual([{ server: 'ns1.acme.test', values: [] }]);
  expect(await dns.open().ask('acme.test', 'MX')).toEqual([{ server: 'ns1.acme.test', values: [] }]);
});

it.each([
  ['silent', 'no answer in time'],
  ['failing', 'SERVFAIL'],
] as const)('does not take a %s server for one that has nothing', async (how, words) => {
  await using dns = await servers(how);

  const asked = dns.open().ask('acme.test', 'MX');

  await expect(asked).rejects.toThrow(DnsSilence);
  await expect(asked).rejects.toThrow(`ns1.acme.test: ${words === 'SERVFAIL' ? 'failed (SERVFAIL)' : words}`);
});

it("takes the resolver's word where it is told to", async () => {
  await using dns = await servers('silent');
  dns.resolver.records = [...zone, { type: 'A', name: 'postal.acme.test', value: '203.0.113.7' }];

  expect(await dns.open(false).ask('postal.acme.test', 'A')).toEqual([
    { server: 'resolver', values: ['203.0.113.7'] },
  ]);
});
