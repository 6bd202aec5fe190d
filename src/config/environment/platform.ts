import { domainName, duration, emailAddress, oneOf, wait } from '../shapes.ts';
import { variable } from '../variable.ts';

const section = 'Platform';

/** What the whole platform is called, and how loud it is. */
export const platform = {
  MAILCTL_MODE: variable(oneOf(['production', 'sandbox']), {
    section,
    means: 'production refuses weak secrets; sandbox is what `mailctl sandbox` writes into its own folder',
    readBy: ['relay', 'api', 'worker', 'sink', 'operator'],
    fallback: 'production',
  }),
  MAIL_DOMAIN: variable(domainName, {
    section,
    means: 'Domain that mail is sent from; the default of the host names below it',
    readBy: ['relay', 'worker', 'operator'],
    generated: true,
  }),
  ADMIN_EMAIL: variable(emailAddress, {
    section,
    means: 'Address of the person who runs this platform, who is written to when an endpoint is disabled',
    readBy: ['worker', 'operator'],
    generated: true,
  }),
  SECRETS_RELOAD_INTERVAL: variable(wait, {
    section,
    means: 'How often services look whether a secret was replaced; SIGHUP makes them look at once',
    readBy: ['relay', 'api', 'worker', 'operator'],
    fallback: '5s',
  }),
  KEYS_OVERLAP: variable(duration, {
    section,
    means: 'How long an old key is accepted after its last use, unless a rotation says otherwise',
    readBy: ['operator'],
    fallback: '24h',
  }),
  KEYS_SWITCH_TIMEOUT: variable(wait, {
    section,
    means: 'How long a rotation waits for the services to take a new secret',
    readBy: ['operator'],
    fallback: '2m',
  }),
  LOG_LEVEL: variable(oneOf(['debug', 'info', 'warn', 'error']), {
    section,
    means: 'Least important log line that is written',
    readBy: ['relay', 'api', 'worker', 'scheduler', 'sink'],
    fallback: 'info',
  }),
  OPERATOR_LOCK_SILENCE: variable(wait, {
    section,
    means:
      'How long a command of another machine may show no life before its lock on the folder is taken over',
    readBy: ['operator'],
    fallback: '1m',
  }),
};
