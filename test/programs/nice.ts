// Takes the nice value that it is given and says which its threads have.
import { readdirSync } from 'node:fs';
import { getPriority } from 'node:os';

import { silentLog } from '../../src/adapters/log.ts';
import { takeNice } from '../../src/services/nice.ts';

takeNice(Number(process.argv[2]), silentLog);
const nice = readdirSync('/proc/self/task')
  .filter((thread) => Number(thread) !== process.pid)
  .map((thread) => getPriority(Number(thread)));
console.log(JSON.stringify({ main: getPriority(), others: [...new Set(nice)] }));
