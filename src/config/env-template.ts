import { allVariables, environment, isFileVariable, type VariableName } from './environment.ts';
import type { EnvFile } from './env-file.ts';
import type { Variable } from './variable.ts';

/** Lines of `.env` by variable: `NAME=value`, or `NAME_FILE=path` where the value is in a file. */
export type Given = ReadonlyMap<VariableName, { readonly text: string; readonly inFile?: true }>;

/** A whole `.env`: every variable under its section, those with a default as a comment. */
export function renderEnvFile(given: Given): string {
  const head = '# Configuration of mailctl. What each variable means: mailctl config explain NAME\n';
  return `${head}${renderSections(allVariables, given)}`;
}

/** An existing `.env`, completed: blank lines of given variables are filled in, absent variables appended, all else kept to the byte. */
export function completeEnvFile(
  existing: { readonly content: string; readonly file: EnvFile },
  given: Given,
): { readonly content: string; readonly added: readonly VariableName[] } {
  const { file } = existing;
  const blank = allVariables.filter(
    (name) => isNamed(file, name) && !isFilled(file, name) && given.has(name),
  );
  const absent = allVariables.filter((name) => !isNamed(file, name) && (given.has(name) || isRequired(name)));
  const filled = fillBlanks(existing, blank, given);
  return {
    content: absent.length === 0 ? filled : append(filled, renderSections(absent, given)),
    added: allVariables.filter((name) => blank.includes(name) || absent.includes(name)),
  };
}

/** An existing `.env` in which the given variables have these values and no other; all else is kept to the byte. */
export function replaceInEnvFile(
  existing: { readonly content: string; readonly file: EnvFile },
  given: Given,
): string {
  const names = allVariables.filter((name) => given.has(name));
  const there = names.filter((name) => isNamed(existing.file, name));
  const absent = names.filter((name) => !there.includes(name));
  const replaced = fillBlanks(existing, there, given);
  return absent.length === 0 ? replaced : append(replaced, renderSections(absent, given));
}

/** True when the file gives the variable or its `NAME_FILE` a value. */
export function isFilled(file: EnvFile, name: VariableName): boolean {
  return namesOf(name).some((written) => (file.values.get(written)?.text ?? '').trim() !== '');
}

/** True when the file has a line for the variable or its `NAME_FILE`, filled in or not. */
function isNamed(file: EnvFile, name: VariableName): boolean {
  return namesOf(name).some((written) => file.values.has(written));
}

function namesOf(name: VariableName): readonly string[] {
  return isFileVariable(name) ? [name, `${name}_FILE`] : [name];
}

function isRequired(name: VariableName): boolean {
  const { fallback, optional }: Variable = environment[name];
  return fallback === undefined && !optional;
}

function fillBlanks(
  { content, file }: { readonly content: string; readonly file: EnvFile },
  blank: readonly VariableName[],
  given: Given,
): string {
  const lines = content.split('\n');
  for (const name of blank) {
    const line = namesOf(name)
      .map((written) => file.values.get(written)?.line)
      .find((found) => found !== undefined);
    if (line !== undefined) lines[line - 1] = `${assign(name, given)}${endOf(lines[line - 1])}`;
  }
  return lines.join('\n');
}

function append(content: string, text: string): string {
  const end = content.includes('\r\n') ? '\r\n' : '\n';
  const gap = content === '' || content.endsWith('\n') ? '' : end;
  return `${content}${gap}${text.replaceAll('\n', end)}`;
}

function endOf(line = ''): string {
  return line.endsWith('\r') ? '\r' : '';
}

function renderSections(names: readonly VariableName[], given: Given): string {
  const sections = new Set<string>(names.map((name) => environment[name].section));
  return [...sections].map((section) => `\n## ${section}\n${renderMembers(names, section, given)}`).join('');
}

function renderMembers(names: readonly VariableName[], section: string, given: Given): string {
  const members = names.filter((name) => environment[name].section === section);
  return members.map((name) => renderOne(name, given)).join('');
}

function renderOne(name: VariableName, given: Given): string {
  const { means, fallback, optional }: Variable = environment[name];
  const mark = !given.has(name) && (fallback !== undefined || optional) ? '# ' : '';
  return `# ${means}\n${mark}${assign(name, given)}\n`;
}

function assign(name: VariableName, given: Given): string {
  const { fallback }: Variable = environment[name];
  const value = given.get(name);
  return `${name}${value?.inFile ? '_FILE' : ''}=${quoted(value?.text ?? fallback ?? '')}`;
}

function quoted(text: string): string {
  if (/^[A-Za-z0-9_\-.:/@,+]*$/.test(text)) return text;
  if (!/['\r\n]|\\$/.test(text)) return `'${text}'`;
  if (!/["\\$\r\n]/.test(text)) return `"${text}"`;
  throw new TypeError('the value cannot be written so that Compose, dotenv and mailctl read the same');
}
