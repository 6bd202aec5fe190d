import { readFileSync } from 'node:fs';

const lines = readFileSync('/config/postal.yml', 'utf8').split('\n');

/** A value of /config/postal.yml, whose values are written as JSON. */
export function setting(group, name) {
  const begin = lines.indexOf(`${group}:`);
  for (const line of lines.slice(begin + 1)) {
    if (/^\S/.test(line)) break;
    const [, key, value] = /^ {2}(\w+): (.*)$/.exec(line) ?? [];
    if (key === name) return plain(value);
  }
  throw new Error(`/config/postal.yml has no ${group}.${name}`);
}

function plain(value) {
  try {
    return JSON.parse(value);
  } catch {
    return value;
  }
}
