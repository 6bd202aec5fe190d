import { describe, expect, it } from 'vitest';

import type { JoinedPrograms } from '../../../src/adapters/joined-programs.ts';
import { OperatorError } from '../../../src/domain/failure.ts';
import { dumpedAndCounted } from '../../../src/operations/backup/dump-postgres.ts';

const failure = (code: 'timed-out' | 'unreachable' | 'check-failed', words: string) =>
  new OperatorError(code, words, { hint: 'none' });

/** A dump that fails so as soon as its program is ended. */
function dumpThatFails(error: Error) {
  const end = new AbortController();
  const source = { kill: () => end.abort() } as unknown as JoinedPrograms;
  const writing = new Promise<never>((_, reject) => {
    end.signal.addEventListener('abort', () => reject(error), { once: true });
  });
  return { source, writing };
}

describe('a dump whose rows cannot be counted', () => {
  const noAnswer = failure('unreachable', 'PostgreSQL gave no answer');

  it('is ended, and the count says why', async () => {
    const { source, writing } = dumpThatFails(failure('check-failed', 'pg_dump ended with SIGTERM'));
    await expect(dumpedAndCounted(source, writing, Promise.reject(noAnswer))).rejects.toBe(noAnswer);
  });

  it('had no longer where the time of both was over at once, whichever was heard first', async () => {
    const late = failure('timed-out', 'it did not finish within BACKUP_TIMEOUT');
    const { source, writing } = dumpThatFails(late);
    await expect(dumpedAndCounted(source, writing, Promise.reject(noAnswer))).rejects.toBe(late);
  });
});
