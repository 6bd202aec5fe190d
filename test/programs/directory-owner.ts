// Owns the directory it is given until it is killed.
import { ownDirectory } from '../../src/adapters/directory-owner.ts';

await ownDirectory(process.argv[2] ?? '', 10_000);
process.stdout.write(`${JSON.stringify({ pid: process.pid })}\n`);
setInterval(() => undefined, 1_000);
