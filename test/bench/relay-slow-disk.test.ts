import { rm } from 'node:fs/promises';
import { dirname } from 'node:path';

import { expect, it } from 'vitest';

import { startAbsentApi } from './relay/behind.ts';
import { startLoadClient } from './relay/load-client.ts';
import { type Case, measureAll } from './relay/measure.ts';
import { startOurRelay } from './relay/ours.ts';
import { isPostfixHere, startPostfix } from './relay/postfix.ts';
import { compileSlowSync } from './relay/slow-sync.ts';
import { ourRelay, tableOf } from './relay/tables.ts';
import { report, toy } from './report.ts';

const slowerMs = 2;
const timeout = 10 * 60_000;
const pace = toy ? { rounds: 1, forMs: 200, warmMs: 200 } : { rounds: 3, forMs: 1500, warmMs: 4000 };
const usual = { bytes: 5_000, connections: 100, perConnection: 'many', tls: false } as const;
const cases: readonly Case[] = toy
  ? [{ ...usual, manner: 'pipelined' }]
  : [
      { ...usual, manner: 'pipelined' },
      { ...usual, manner: 'lockstep' },
      { ...usual, manner: 'pipelined', connections: 20 },
    ];

it(
  `the relay accepts beside Postfix on a disk whose syncs take ${slowerMs} ms longer`,
  { timeout },
  async () => {
    const library = (await isPostfixHere()) ? await compileSlowSync(slowerMs) : undefined;
    if (library === undefined) return report('relay, slow disk', [{ absent: 'Postfix, or a C compiler' }]);
    const slow = { LD_PRELOAD: library };
    await using api = await startAbsentApi();
    await using client = await startLoadClient();
    await using relay = await startOurRelay(api.url, ourRelay, slow);
    await using postfix = await startPostfix({
      environment: slow,
      main: () => ['import_environment = MAIL_CONFIG LD_LIBRARY_PATH LD_PRELOAD'],
    });
    const results = await measureAll([relay, postfix], client, { ...pace, cases }).finally(() =>
      rm(dirname(library), { recursive: true }),
    );
    report('relay, slow disk', tableOf(cases, results));
    expect(results.flatMap(({ server, refused }) => refused.map((reply) => `${server}: ${reply}`))).toEqual(
      [],
    );
  },
);
