import { parseDuration } from '../../domain/duration.ts';
import { OperatorError } from '../../domain/failure.ts';

/** Reads `--wait`, in milliseconds. Throws `usage` for what is no duration. */
export function readWait(text: string): number {
  const ms = parseDuration(text);
  if (ms !== undefined) return ms;
  throw new OperatorError('usage', `--wait: "${text}" is no duration`, {
    hint: 'Write for example 10m',
    field: '--wait',
  });
}
