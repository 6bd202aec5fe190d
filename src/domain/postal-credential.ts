import { OperatorError } from './failure.ts';
import type { Secret } from './secret.ts';

/** The API key of Postal's mail server. Throws `config-invalid` where Postal has not been provisioned yet. */
export function requirePostalKey({
  POSTAL_API_KEY: key,
}: {
  readonly POSTAL_API_KEY: Secret | undefined;
}): Secret {
  if (key) return key;
  throw new OperatorError('config-invalid', 'POSTAL_API_KEY is not set: nothing can be handed to Postal', {
    hint: 'Let Postal make one: mailctl postal apply',
    field: 'POSTAL_API_KEY',
  });
}
