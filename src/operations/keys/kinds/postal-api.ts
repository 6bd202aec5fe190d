import { credentialKind } from '../postal-credential.ts';
import type { KindOfKey } from '../kind.ts';

/** The credential with which the worker hands mail to Postal; Postal writes down when each was last used. */
export const postalApiKind: KindOfKey = {
  ...credentialKind({ name: 'postal-api', type: 'API', variable: 'POSTAL_API_KEY' }),
  users: { rooms: ['worker'], variables: ['POSTAL_API_KEY'] },
};
