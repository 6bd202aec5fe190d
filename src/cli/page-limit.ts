import { OperatorError } from '../domain/failure.ts';

/** The value of `--limit`, a number from 1 to 1000. Throws `usage` for anything else. */
export function pageLimit(text: string): number {
  const limit = Number(text);
  if (Number.isInteger(limit) && limit >= 1 && limit <= 1000) return limit;
  throw new OperatorError('usage', `--limit: "${text}" is no number from 1 to 1000`, {
    hint: 'For example: --limit 200',
    field: '--limit',
  });
}
