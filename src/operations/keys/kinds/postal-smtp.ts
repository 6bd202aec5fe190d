import { credentialKind } from '../postal-credential.ts';
import type { KindOfKey } from '../kind.ts';

/** The credential with which Postal sends mail of its own; it stands in Postal's configuration, which is read at the start alone. */
export const postalSmtpKind: KindOfKey = {
  ...credentialKind({ name: 'postal-smtp', type: 'SMTP', variable: 'POSTAL_SMTP_CREDENTIAL' }),
  restartsPostal: true,
};
