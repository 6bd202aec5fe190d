import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { startGroup } from '../../engines/process-group.ts';
import { until } from './until.ts';

const script = fileURLToPath(new URL('../../../templates/postal/smtp.sh', import.meta.url));
const server = `process.on('SIGTERM', () => { console.log('ended gracefully'); process.exit(0); }); setInterval(() => {}, 1e6); console.log('serving');`;

describe("Postal's SMTP server, which reads its certificate once", () => {
  let folder = '';
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'postal-smtp-'));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  it.each([
    ['changed', 'old'],
    ['came', undefined],
  ])(
    'is ended gracefully when the certificate %s, for the restart policy to start it again',
    async (_how, before) => {
      const file = join(folder, 'fullchain.pem');
      if (before !== undefined) await writeFile(file, before);
      await using running = startGroup(['sh', script, process.execPath, '-e', server], {
        CERTIFICATE: file,
        CERT_RELOAD_SECONDS: '1',
      });
      const ended = once(running.process, 'close');
      await until(() => running.said().includes('serving'), running.said);
      await writeFile(file, 'new');
      await ended;
      expect(running.said()).toContain('ended gracefully');
      expect(running.said()).toContain('the certificate changed');
    },
  );

  it('gets a SIGTERM itself, as it is the process that was started', async () => {
    await using running = startGroup(['sh', script, process.execPath, '-e', server], {
      CERTIFICATE: join(folder, 'none.pem'),
      CERT_RELOAD_SECONDS: '1',
    });
    const ended = once(running.process, 'close');
    await until(() => running.said().includes('serving'), running.said);
    process.kill(await running.pid(), 'SIGTERM');
    await ended;
    expect(running.said()).toContain('ended gracefully');
    expect(running.said()).not.toContain('the certificate changed');
  });
});
