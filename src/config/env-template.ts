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

/** What an existing `.env` lacks, to be appended to it. Variables it names in any way are left alone. */
export function renderMissing(
  file: EnvFile,
  given: Given,
): { readonly text: string; readonly added: readonly VariableName[] } {
  const added = allVariables.filter((name) => !isNamed(file, name) && (given.has(name) || isRequired(name)));
  return { text: added.length === 0 ? '' : renderSections(added, given), added };
}

/** True when the file has a line for the variable, filled in or not, or for its `NAME_FILE`. */
export function isNamed(file: EnvFile, name: VariableName): boolean {
  return file.values.has(name) || (isFileVariable(name) && file.values.has(`${name}_FILE`));
}

function isRequired(name: VariableName): boolean {
  const { fallback, optional }: Variable = environment[name];
  return fallback === undefined && !optional;
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
  const value = given.get(name);
  if (value) return `# ${means}\n${name}${value.inFile ? '_FILE' : ''}=${quoted(value.text)}\n`;
  const mark = fallback !== undefined || optional ? '# ' : '';
  return `# ${means}\n${mark}${name}=${quoted(fallback ?? '')}\n`;
}

function quoted(text: string): string {
  return /^[A-Za-z0-9_\-.:/@,+]*$/.test(text) ? text : `'${text}'`;
}
