import type { z } from 'zod';

import { ApiProblem } from './problem.ts';

type Issue = z.core.$ZodIssue;

/** The value a schema makes of what was sent; refuses it naming the field, and never repeats the value. */
export function validated<S extends z.ZodType>(schema: S, input: unknown): z.output<S> {
  const result = schema.safeParse(input);
  if (result.success) return result.data;
  throw fieldProblem(result.error.issues);
}

/** Tells the first thing that is wrong, in the branch of a union that comes nearest. */
function fieldProblem(issues: readonly Issue[]): ApiProblem {
  const issue = deepest(issues[0]);
  const field = issue ? pathOf(issue) : '';
  const what = issue ? wordsFor(issue) : 'is invalid';
  return new ApiProblem('invalid-field', field === '' ? `The body ${what}` : `${field} ${what}`, {
    ...(field !== '' && { field }),
  });
}

interface Found {
  readonly path: readonly PropertyKey[];
  readonly issue: Issue;
}

function deepest(issue: Issue | undefined, above: readonly PropertyKey[] = []): Found | undefined {
  if (!issue) return undefined;
  const path = [...above, ...issue.path];
  if (issue.code === 'invalid_union') {
    const nearest = issue.errors.find((branch) => branch.every((inner) => !isWrongType(inner)));
    const inner = deepest((nearest ?? [])[0], path);
    return inner ?? { path, issue };
  }
  if (issue.code === 'invalid_key') return { path, issue: issue.issues[0] ?? issue };
  return { path, issue };
}

function isWrongType(issue: Issue): boolean {
  return issue.code === 'invalid_type' && issue.path.length === 0;
}

function pathOf({ path, issue }: Found): string {
  const extra = issue.code === 'unrecognized_keys' ? issue.keys.slice(0, 1) : [];
  return [...path, ...extra]
    .map((part, place) =>
      typeof part === 'number' ? `[${part}]` : `${place === 0 ? '' : '.'}${named(part)}`,
    )
    .join('');
}

function named(part: PropertyKey): string {
  const text = String(part);
  return /^[\w-]{1,64}$/.test(text) ? text : '?';
}

function wordsFor({ issue }: Found): string {
  switch (issue.code) {
    case 'invalid_type':
      return issue.input === undefined && issue.message.includes('undefined')
        ? 'is missing'
        : `must be ${article(issue.expected)}`;
    case 'unrecognized_keys':
      return 'is no field of this request';
    case 'invalid_union':
      return 'has the wrong type';
    case 'custom':
      return issue.message;
    default:
      return /^[a-z]/.test(issue.message) ? issue.message : `is invalid: ${issue.message}`;
  }
}

function article(kind: string): string {
  return /^[aeio]/.test(kind) ? `an ${kind}` : `a ${kind}`;
}
