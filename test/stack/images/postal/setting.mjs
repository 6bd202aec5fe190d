// Prints one value of main_db in /config/postal.yml.
import { setting } from './configuration.mjs';

process.stdout.write(`${setting('main_db', process.argv[2])}\n`);
