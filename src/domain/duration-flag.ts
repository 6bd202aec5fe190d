import { parseDuration } from './duration.ts';
import { OperatorError } from './failure.ts';

/** Milliseconds of a duration that was written for a flag. Throws `usage`, which names the flag and shows an example. */
export function readDurationFlag(flag: string, text: string, example: string): number {
  const ms = parseDuration(text);
  if (ms !== undefined) return ms;
  throw new OperatorError('usage', `${flag}: "${text}" is no duration`, {
    hint: `Write for example ${example}`,
    field: flag,
  });
}
