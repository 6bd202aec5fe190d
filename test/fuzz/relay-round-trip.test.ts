import fc from 'fast-check';
import { expect, it } from 'vitest';

import { listenAsApi, logIn, runRelay, submit } from '../services/relay/running-relay.ts';

const seconds = Number(process.env['FUZZ_SECONDS'] ?? '20') / 4;
const words = ['.', '..', '.\u00e9', 'a', ' ', '\t', '=', 'From ', '\u00ff', '\u0001', 'x'.repeat(997), ''];
const line = fc
  .array(fc.constantFrom(...words), { maxLength: 4 })
  .map((parts) => parts.join('').slice(0, 998));
const message = fc.record({
  lines: fc.array(line, { maxLength: 40 }),
  /** Large ones are received into a file and streamed from then on. */
  times: fc.constantFrom(1, 1, 1, 60),
});

function octetsOf({ lines, times }: { readonly lines: readonly string[]; readonly times: number }): Buffer {
  const text = lines.map((one) => `${one}\r\n`).join('');
  return Buffer.from(`${text.repeat(times)}end\r\n`, 'latin1');
}

function stuffed(octets: Buffer): Buffer {
  return Buffer.from(octets.toString('latin1').replaceAll(/^\./gm, '..'), 'latin1');
}

it(
  'any message comes to the api octet for octet, through dot-stuffing, spill file, journal and shipping, once',
  async () => {
    let runs = 0;
    const api = await listenAsApi();
    const arrived: Buffer[] = [];
    api.inspect = (raw) => arrived.push(Buffer.from(raw));
    const { address } = await runRelay({
      API_INTERNAL_URL: api.url,
      RELAY_SPILL_BYTES: '2KB',
      RELAY_SHIP_BYTES: '20KB',
      RELAY_SHIP_GATHER: '0s',
    });
    const client = await logIn(address('private'));
    const header = 'From: ann@example.com\r\nSubject: any\r\n\r\n';
    await fc.assert(
      fc.asyncProperty(message, async (one) => {
        runs += 1;
        const octets = octetsOf(one);
        const before = arrived.length;
        expect(await submit(client, Buffer.concat([Buffer.from(header), stuffed(octets)]))).toMatch(/^250 /);
        await expect.poll(() => arrived.length, { timeout: 20_000 }).toBe(before + 1);
        const raw = arrived.at(-1) ?? Buffer.alloc(0);
        expect(raw.subarray(raw.indexOf('\r\n\r\n') + 4).equals(octets)).toBe(true);
      }),
      { numRuns: 1_000_000, interruptAfterTimeLimit: seconds * 1_000, markInterruptAsFailure: false },
    );
    client.socket.destroy();
    expect(runs).toBeGreaterThan(5);
  },
  seconds * 1_000 + 60_000,
);
