#!/usr/bin/env node
import { existsSync, readFileSync } from 'node:fs';

const words = process.argv.slice(2);
const main = new URL('../dist/cli/main.js', import.meta.url);
const text = words.length < 2 ? known(words[0] ?? '--help') : undefined;

if (text !== undefined) {
  process.stdout.on('error', () => undefined);
  process.stdout.write(text);
} else if (existsSync(main)) {
  await import(main.href);
} else {
  process.stderr.write('✘ mailctl is not built yet\n  Build it: npm ci --include=dev\n');
  process.exitCode = 1;
}

/** What is known without starting the program: the version, and its help as the build wrote it down. */
function known(word) {
  if (!existsSync(main)) return undefined;
  if (['--version', '-V'].includes(word)) return `${JSON.parse(read('../package.json')).version}\n`;
  const help = '../dist/cli/help.txt';
  const isWritten = ['--help', '-h'].includes(word) && existsSync(new URL(help, import.meta.url));
  return isWritten ? read(help) : undefined;
}

function read(path) {
  return readFileSync(new URL(path, import.meta.url), 'utf8');
}
