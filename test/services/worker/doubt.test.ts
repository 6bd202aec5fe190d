import { describe, expect, it } from 'vitest';

import type { Found, QueuedRecipient } from '../../../src/domain/delivery.ts';
import { decideDoubts } from '../../../src/services/worker/doubt.ts';

const ann: QueuedRecipient = {
  position: 0,
  address: 'ann@example.test',
  state: 'uncertain',
  suppressed: null,
  isOfEarlierEpoch: false,
  isForgottenAtPostal: false,
};
const name = { id: 7, token: 'AbCdEfGhIjKlMnOp' };

async function decided(found: Found | undefined, policy: 'hold' | 'resend' = 'resend') {
  const lookUp = async () => new Map(found ? [[ann.address, found]] : []);
  return decideDoubts({ mailFrom: 'key@mail.acme.test', recipients: [ann], policy, lookUp });
}

describe('a recipient in doubt', () => {
  it('that Postal has is accepted', async () => {
    expect(await decided({ at: 'postal', name })).toEqual({
      settlements: [{ position: 0, address: ann.address, state: 'accepted', name, detail: '' }],
      abandoned: [],
    });
  });

  it('whose copy Postal never queued is sent again, and the copy put on record', async () => {
    const { settlements, abandoned } = await decided({ at: 'orphan', name });
    expect(settlements).toMatchObject([{ state: 'queued' }]);
    expect(abandoned).toMatchObject([{ facts: { abandoned_postal_id: 7 } }]);
  });

  it('whose copy Postal may have begun to send and tidied away is held by us, whatever the policy, and the operator told why', async () => {
    const { settlements, abandoned } = await decided({ at: 'tidied', name });
    expect(settlements).toMatchObject([
      {
        state: 'held',
        detail: expect.stringContaining('may have arrived or not'),
        facts: { tidied_postal_id: 7 },
      },
    ]);
    expect(settlements[0]?.name).toBeUndefined();
    expect(abandoned).toEqual([]);
  });

  it('for whom the look-up did not answer stays in doubt', async () => {
    expect((await decided(undefined)).settlements).toMatchObject([{ state: 'uncertain' }]);
  });
});
