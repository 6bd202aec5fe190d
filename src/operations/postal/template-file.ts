import { readFile } from 'node:fs/promises';

/** The text of a file of `templates/postal`. */
export function readPostalTemplate(name: string): Promise<string> {
  return readFile(new URL(`../../../templates/postal/${name}`, import.meta.url), 'utf8');
}
