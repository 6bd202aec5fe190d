import type { Mariadb } from '../../adapters/mariadb.ts';
import type { ConfigOf } from '../../config/environment.ts';
import { requirePostalKey } from '../../domain/postal-credential.ts';
import { verifiedDomains } from '../../store/postal/verified-domains.ts';
import { claimSenderDomains, keepSenderDomains } from '../../store/sender-domains.ts';
import type { Work } from '../loop.ts';
import type { Room } from './room.ts';

interface SenderDomainsRoom extends Pick<Room, 'db' | 'log'> {
  readonly postalDatabase: Mariadb;
  readonly config: Pick<
    ConfigOf<'worker'>,
    'POSTAL_DOMAINS_INTERVAL' | 'POSTAL_DB_NAME' | 'POSTAL_DB_MESSAGE_PREFIX' | 'POSTAL_API_KEY'
  >;
}

/** Looks regularly, and at once when the api wants it, which domains Postal has verified: whoever accepts mail refuses what Postal would. Of several workers one does. */
export function senderDomains({ db, log, postalDatabase, config }: SenderDomainsRoom): Work {
  return {
    turn: async () => {
      const readAt = await claimSenderDomains(db, config.POSTAL_DOMAINS_INTERVAL);
      if (!readAt) return false;
      const databases = {
        main: config.POSTAL_DB_NAME,
        messagePrefix: config.POSTAL_DB_MESSAGE_PREFIX,
        apiKey: requirePostalKey(config),
      };
      const found = await postalDatabase.session((session) => verifiedDomains(session, databases));
      if (found) await keepSenderDomains(db, found, readAt);
      else log.warn('Postal has no mail server of POSTAL_API_KEY any more, so that senders are not checked');
      return false;
    },
  };
}
