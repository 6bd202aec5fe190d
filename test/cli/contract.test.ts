import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';

import { failures } from '../../src/domain/failure.ts';
import { runInProcess } from '../fakes/terminal.ts';
import { everyCommand } from './command-lines.ts';

const commands = await everyCommand();
const exits = new Set<number>([0, ...Object.values(failures).map(({ exit }) => exit)]);

/** What a command prints with `--json`, whatever happens. */
const envelope = z.strictObject({
  schema: z.string().regex(/^mailctl\/[a-z0-9-]+\/v1$/),
  ok: z.boolean(),
  data: z.unknown().optional(),
  error: z
    .strictObject({
      code: z.enum(Object.keys(failures)),
      exit: z.number(),
      message: z.string().min(1),
      hint: z.string().min(1),
      field: z.string().optional(),
    })
    .optional(),
  warnings: z.array(z.string()),
});

/** These would really start; in an empty folder they fail on the configuration, and that they say as an envelope too. */
const services = ['relay', 'api', 'worker', 'scheduler'];
/** This needs no configuration and would start: here it runs dry, and really in tests of its own. */
const startsAlone = 'sandbox';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'mailctl-contract-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function run(words: readonly string[], options: Parameters<typeof runInProcess>[1] = {}) {
  const dry = words.includes(startsAlone) ? ['--dry-run'] : [];
  return runInProcess(['-C', folder, ...dry, ...words], options);
}

describe.each(commands)('mailctl $name', { timeout: 30_000 }, ({ name, argv: words }) => {
  it('explains itself on stdout with --help, and does nothing', async () => {
    const { exit, out, err } = await run([...words, '--help']);
    expect({ exit, err }).toEqual({ exit: 0, err: '' });
    expect(out).toMatch(/^Usage: mailctl /);
  });

  it('prints exactly one JSON object with --json, before or after the verb', async () => {
    for (const argv of [
      [...words, '--json'],
      ['--json', ...words],
    ]) {
      const { exit, out } = await run(argv);
      const { ok, error, schema } = envelope.parse(JSON.parse(out));
      expect(out.trimEnd()).not.toContain('\n');
      expect(exits).toContain(exit);
      expect(error?.exit).toBe(ok ? undefined : exit);
      expect(schema).toBe(schemaOf(name));
    }
  });

  it('talks on stderr when it fails, names a remedy, and leaves stdout empty', async () => {
    const { exit, out, err } = await run(words);
    const lines = err.trimEnd().split('\n');
    expect(exits).toContain(exit);
    expect(exit === 0 || (out === '' && lines.length > 1 && err.startsWith('✘ '))).toBe(true);
    expect(err).not.toContain('bug in mailctl');
  });

  it('refuses an unknown flag with 2, near ones with a suggestion', async () => {
    const { exit, out, err } = await run([...words, '--dry-rum']);
    expect({ exit, out }).toEqual({ exit: 2, out: '' });
    expect(err).toBe('✘ there is no flag --dry-rum\n  Did you mean --dry-run?\n');
  });

  it('says the unknown flag as an envelope with its own name too', async () => {
    const { exit, out } = await run([...words, '--json', '--no-such-flag=canary']);
    const { schema, error } = envelope.parse(JSON.parse(out));
    expect(exit).toBe(2);
    expect(schema).toBe(schemaOf(name));
    expect(error).toMatchObject({ code: 'usage', exit: 2, field: '--no-such-flag' });
    expect(out).not.toContain('canary');
  });

  it('colours nothing where NO_COLOR is set, even on a terminal', async () => {
    const { out, err } = await run(words, { environment: { NO_COLOR: '1' }, isTerminal: true });
    expect(out + err).not.toContain('\u001B[');
  });
});

function schemaOf(name: string): string {
  return `mailctl/${name.replaceAll(' ', '-')}/v1`;
}

describe('a service', () => {
  it.each(services)('%s that cannot start says why as one JSON object', async (name) => {
    const { exit, out } = await run([name, '--json']);
    expect(exit).toBe(10);
    expect(envelope.parse(JSON.parse(out))).toMatchObject({
      schema: `mailctl/${name}/v1`,
      ok: false,
      data: { problems: expect.arrayContaining([expect.objectContaining({ message: 'is not set' })]) },
    });
  });
});
