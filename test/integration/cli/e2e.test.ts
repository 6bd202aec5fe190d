import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import { allChecks } from '../../../src/operations/e2e/run.ts';
import { temporaryFolder } from '../../cli/folders.ts';
import { runInProcess } from '../../fakes/terminal.ts';

describe('mailctl e2e', () => {
  it('prints one object with every check, and the same as JUnit', async () => {
    using folder = temporaryFolder();

    const { exit, out } = await runInProcess([
      '-C',
      folder.path,
      'e2e',
      '--sandbox',
      '--json',
      '--junit',
      'e2e.xml',
    ]);
    const { ok, schema, data } = JSON.parse(out);
    const xml = readFileSync(join(folder.path, 'e2e.xml'), 'utf8');

    expect({ exit, ok, schema }).toEqual({ exit: 0, ok: true, schema: 'mailctl/e2e/v1' });
    expect(data).toMatchObject({ passed: allChecks.length, failed: 0, first_broken_hop: null });
    expect(Object.keys(data.checks[0])).toEqual(['id', 'hop', 'result', 'ms', 'expected', 'seen', 'look']);
    expect(xml.match(/<testcase /g)).toHaveLength(allChecks.length);
    expect(xml).toContain(
      `<testsuite name="mailctl e2e ${data.run_id}" tests="${allChecks.length}" failures="0"`,
    );
  });

  it('prints a row a check to a person, and says that mail flows', async () => {
    using folder = temporaryFolder();
    const report = join(folder.path, 'report.xml');
    const { exit, out, err } = await runInProcess(['e2e', 'relay', '--sandbox', '--junit', report]);

    expect({ exit, written: existsSync(report) }).toEqual({ exit: 0, written: true });
    expect(out.split('\n').filter((line) => line.startsWith('✔'))).toHaveLength(
      allChecks.filter(({ hop }) => hop === 'relay').length,
    );
    expect(err).toContain('the sandbox is ready after');
  });

  it('names its checks on a dry run, and starts nothing', async () => {
    const { exit, out } = await runInProcess(['e2e', 'tracking', '--dry-run', '--json']);

    expect(exit).toBe(0);
    expect(JSON.parse(out).data.checks.map(({ id }: { id: string }) => id)).toContain('tracking.click');
  });

  it('refuses a check that is none before it starts anything', async () => {
    const { exit, out } = await runInProcess(['e2e', 'postl', '--sandbox', '--json']);

    expect(exit).toBe(2);
    expect(JSON.parse(out)).toMatchObject({ ok: false, error: { code: 'usage', field: 'CHECK' } });
  });

  it('says where the database should be when nothing runs', async () => {
    const { exit, err } = await runInProcess(['e2e'], { cwd: '/' });

    expect(exit).toBe(10);
    expect(err).toContain('mailctl init');
  });
});
