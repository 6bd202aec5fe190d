import type { Store } from '../../domain/backup-set.ts';
import { OperatorError } from '../../domain/failure.ts';

/** The store behind `--only`. Throws `usage` for what is none. */
export function storeOf(text: string | undefined): Store | undefined {
  if (text === undefined || text === 'postgres' || text === 'mariadb') return text;
  throw new OperatorError('usage', `--only: there is no store "${text}"`, {
    hint: 'Write postgres or mariadb',
    field: '--only',
  });
}
