// Starts a program on a leash, as the engines of the tests are, says its folder and waits to be killed.
import { engineFolder, startLeashed } from '../engines/leash.ts';

const folder = await engineFolder('leash');
startLeashed(folder, ['tail', '-f', '/dev/null', '--', folder], []);
process.stdout.write(`${JSON.stringify({ folder })}\n`);
