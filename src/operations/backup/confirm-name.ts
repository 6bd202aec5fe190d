import { OperatorError } from '../../domain/failure.ts';
import type { Workplace } from './workplace.ts';

/** Throws `refused` unless the operator typed the name of the platform: `--yes` is not enough for what destroys. */
export function requireName({ config }: Pick<Workplace, 'config'>, typed: string | undefined): void {
  if (typed === config.MAIL_DOMAIN) return;
  throw new OperatorError('refused', 'this takes the place of data that is in use; nothing was changed', {
    hint: `Agree by name: --confirm ${config.MAIL_DOMAIN}`,
    field: '--confirm',
  });
}
