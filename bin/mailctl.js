#!/usr/bin/env node
import { existsSync } from 'node:fs';

const main = new URL('../dist/cli/main.js', import.meta.url);

if (existsSync(main)) {
  await import(main.href);
} else {
  process.stderr.write('✘ mailctl is not built yet\n  Build it: npm ci --include=dev\n');
  process.exitCode = 1;
}
