// Takes the nice value that it is given and says which it has.
import { getPriority } from 'node:os';

import { silentLog } from '../../src/adapters/log.ts';
import { takeNice } from '../../src/services/nice.ts';

takeNice(Number(process.argv[2]), silentLog);
console.log(JSON.stringify(getPriority()));
