// Holds the lock of the folder it is given until it is killed.
import { openRuntime } from '../../src/runtime.ts';

const world = openRuntime({ dir: process.argv[2] ?? '', environment: {}, uid: process.getuid?.() });
await world.lock({ who: 'ada', command: 'up --wait 5m' });
process.stdout.write(`${JSON.stringify({ pid: process.pid })}\n`);
setInterval(() => undefined, 1_000);
