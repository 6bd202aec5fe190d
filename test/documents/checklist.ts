/** One row of the checklist in the README. */
export interface ChecklistRow {
  readonly number: number;
  readonly holds: string;
  readonly state: string;
  readonly command: string;
  /** Paths of the tests that prove it. */
  readonly tests: readonly string[];
}

/** The rows of the table between the markers `<!-- checklist -->`. */
export function checklistIn(document: string): readonly ChecklistRow[] {
  const [, part = ''] = /<!-- checklist -->([\s\S]*?)<!-- \/checklist -->/.exec(document) ?? [];
  return part
    .split('\n')
    .filter((line) => /^\| \d+ \|/.test(line))
    .map((line) => line.split(' | ').map((cell) => cell.replace(/^\|\s*|\s*\|$/g, '').trim()))
    .map(([number = '', holds = '', state = '', command = '', tests = '']) => ({
      number: Number(number),
      holds,
      state,
      command,
      tests: [...tests.matchAll(/`([^`]+)`/g)].map(([, path = '']) => path),
    }));
}

const states = ['works', 'in part', 'not yet'];

/** What is untrue about a row, given which files exist. What works or works in part names its tests; what does not, names none. */
export function untrue(row: ChecklistRow, exists: (path: string) => boolean): readonly string[] {
  const at = `row ${row.number}`;
  const [state = ''] = row.state.split(':');
  return [
    ...(states.includes(state) ? [] : [`${at} is in the state "${row.state}"`]),
    ...(state === 'not yet' && row.tests.length > 0 ? [`${at} has tests for what is not there`] : []),
    ...(state !== 'not yet' && row.tests.length === 0 ? [`${at} says "${state}" and names no test`] : []),
    ...(state === 'in part' && row.state === state ? [`${at} does not say what is missing`] : []),
    ...row.tests.filter((path) => !exists(path)).map((path) => `${at} names ${path}, which does not exist`),
  ];
}
