import { describe, expect, it } from 'vitest';

import { loadConfig } from '../../../src/config/load.ts';
import { driftOf } from '../../../src/operations/postal/drift.ts';
import type { PostalDomain, PostalState } from '../../../src/operations/postal/state.ts';
import { wantedOf } from '../../../src/operations/postal/wanted.ts';
import { sourcesOf } from '../../config/valid-sources.ts';

const config = loadConfig('operator', sourcesOf({ MAIL_DOMAIN: 'example.com' }));
const fine = { status: 'OK', error: null };

/** Postal with one domain, and nothing else of what is wanted. */
function stateWith(tracking: PostalDomain['tracking']): PostalState {
  return {
    administrators: 1,
    organization: null,
    server: null,
    credentials: [],
    domains: [
      {
        name: 'example.com',
        verified: true,
        verification: 'postal-verification x',
        dkim_name: 'postal-x._domainkey.example.com',
        dkim: 'v=DKIM1;',
        checked_at: null,
        dns: { spf: fine, dkim: fine, mx: fine, return_path: fine },
        tracking,
      },
    ],
    webhooks: [],
    endpoints: [],
    routes: [],
  };
}

function trackingDrift(tracking: PostalDomain['tracking'], wanted = wantedOf(config)) {
  return driftOf(wanted, stateWith(tracking)).filter(({ what }) => what.startsWith('tracking domain'));
}

const there = { name: 'click', ssl: true, ...fine };

describe('the drift of a tracking domain', () => {
  it('is none where it is there as wanted', () => {
    expect(trackingDrift(there)).toEqual([]);
  });

  it('is missing when somebody removed it in Postal', () => {
    expect(trackingDrift(null)).toEqual([
      { what: 'tracking domain click.example.com', kind: 'missing', expected: 'present', seen: 'absent' },
    ]);
  });

  it('is named when it has another name, or lost its TLS', () => {
    expect(trackingDrift({ ...there, name: 'go', ssl: false })).toMatchObject([
      { what: 'tracking domain click.example.com: name', expected: 'click', seen: 'go' },
      { what: 'tracking domain click.example.com: ssl', expected: 'true', seen: 'false' },
    ]);
  });

  it('is extra where the domain is not to be tracked', () => {
    const wanted = { ...wantedOf(config), domains: [{ name: 'example.com', tracking: null }] };
    expect(trackingDrift(there, wanted)).toMatchObject([
      { what: 'tracking domain click.example.com', kind: 'extra' },
    ]);
  });
});
