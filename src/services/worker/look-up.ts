import type { Mariadb } from '../../adapters/mariadb.ts';
import type { ConfigOf } from '../../config/environment.ts';
import { requirePostalKey } from '../../domain/postal-credential.ts';
import { findWhereabouts } from '../../store/postal/whereabouts.ts';
import type { LookUp } from './doubt.ts';

type Names = Pick<
  ConfigOf<'worker'>,
  'POSTAL_API_KEY' | 'POSTAL_DB_NAME' | 'POSTAL_DB_MESSAGE_PREFIX' | 'POSTAL_TIDY_AFTER'
>;

/** The look-up in Postal's own databases. */
export function lookUpAtPostal(mariadb: Mariadb, config: Names): LookUp {
  return (mailFrom, recipients) => {
    const databases = {
      main: config.POSTAL_DB_NAME,
      messagePrefix: config.POSTAL_DB_MESSAGE_PREFIX,
      apiKey: requirePostalKey(config),
    };
    const question = { mailFrom, recipients, tidyMs: config.POSTAL_TIDY_AFTER };
    return mariadb.session((session) => findWhereabouts(session, databases, question));
  };
}
