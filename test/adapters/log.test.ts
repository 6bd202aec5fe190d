import { expect, it } from 'vitest';

import { openLog } from '../../src/adapters/log.ts';

it('writes what its level lets through, with addresses masked', () => {
  const lines: string[] = [];
  const log = openLog('api', 'info', { write: (line) => lines.push(line) }).with({ loop: 'digest' });
  log.info('sent to ann@example.com', { client: 'bob@example.com' });
  const [line = ''] = lines;
  expect(JSON.parse(line)).toMatchObject({ level: 'info', service: 'api', loop: 'digest' });
  expect(line).not.toMatch(/ann@|bob@/);
});

it('does not even read the fields of a line that is not written', () => {
  const lines: string[] = [];
  let reads = 0;
  const fields = {
    get client() {
      reads += 1;
      return 'x';
    },
  };
  openLog('api', 'info', { write: (line) => lines.push(line) }).debug('request', fields);
  expect([lines, reads]).toEqual([[], 0]);
});
