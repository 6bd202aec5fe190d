import type { E2eReport } from './run.ts';

/** The report as JUnit XML, one test case a check. */
export function junitReport({ run_id, checks, failed, skipped }: E2eReport): string {
  const cases = checks.map(({ id, hop, result, ms, expected, seen, look }) => {
    const open = `  <testcase name="${escaped(id)}" classname="${escaped(hop)}" time="${ms / 1000}"`;
    if (result === 'pass') return `${open}/>`;
    if (result === 'skipped') return `${open}><skipped message="${escaped(seen)}"/></testcase>`;
    return `${open}><failure message="${escaped(`expected: ${expected}; seen: ${seen}`)}">${escaped(look)}</failure></testcase>`;
  });
  const head = `<testsuite name="mailctl e2e ${escaped(run_id)}" tests="${checks.length}" failures="${failed}" skipped="${skipped}">`;
  return ['<?xml version="1.0" encoding="UTF-8"?>', head, ...cases, '</testsuite>', ''].join('\n');
}

const entities: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

function escaped(text: string): string {
  const printable = [...text].filter((letter) => letter >= ' ').join('');
  return printable.replaceAll(/[&<>"]/g, (letter) => entities[letter] ?? '');
}
