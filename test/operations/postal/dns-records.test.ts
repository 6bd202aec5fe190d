import { generateKeyPairSync } from 'node:crypto';

import { describe, expect, it } from 'vitest';

import { anyAddress, domainRecords, platformRecords } from '../../../src/operations/postal/dns-records.ts';

const { publicKey } = generateKeyPairSync('rsa', {
  modulusLength: 1024,
  publicKeyEncoding: { type: 'spki', format: 'pem' },
  privateKeyEncoding: { type: 'pkcs1', format: 'pem' },
});
const names = {
  postalHost: 'postal.acme.test',
  relayHost: 'smtp.acme.test',
  apiHost: 'api.acme.test',
  addresses: ['203.0.113.7', '2001:db8::7'],
  signingPublicKey: publicKey,
};

describe('records of the platform', () => {
  const records = platformRecords(names);
  const values = (type: string, name: string) =>
    records.filter((record) => record.type === type && record.name === name).map(({ value }) => value);

  it('let every address send, and no other', () => {
    expect(values('TXT', 'spf.postal.acme.test')).toEqual(['v=spf1 ip4:203.0.113.7 ip6:2001:db8::7 ~all']);
  });

  it('give each host both addresses, and each address the name that Postal says in HELO', () => {
    for (const host of ['postal', 'smtp', 'api', 'rp.postal', 'track.postal']) {
      expect(values('A', `${host}.acme.test`)).toEqual(['203.0.113.7']);
      expect(values('AAAA', `${host}.acme.test`)).toEqual(['2001:db8::7']);
    }
    expect(values('PTR', '7.113.0.203.in-addr.arpa')).toEqual(['postal.acme.test']);
    expect(values('PTR', '7.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa')).toEqual(
      ['postal.acme.test'],
    );
  });

  it('publish the signing key on one line', () => {
    expect(values('TXT', 'postal._domainkey.rp.postal.acme.test')[0]).toMatch(
      /^v=DKIM1; t=s; h=sha256; p=[A-Za-z0-9+/=]+;$/,
    );
  });

  it('take any address where none is named', () => {
    const open = platformRecords({ ...names, addresses: [], signingPublicKey: undefined });

    expect(open.filter(({ type }) => type === 'A').map(({ value }) => value)).toEqual(
      Array.from({ length: 5 }, () => anyAddress),
    );
    expect(open.some(({ type }) => type === 'PTR')).toBe(false);
    expect(open).toContainEqual(expect.objectContaining({ value: 'v=spf1 a:postal.acme.test ~all' }));
  });
});

describe('records of a domain', () => {
  const domain = {
    name: 'shop.test',
    verification: 'postal-verification abc',
    dkimName: 'postal-AbCdEf._domainkey.shop.test',
    dkim: 'v=DKIM1; t=s; h=sha256; p=abc;',
    trackName: 'click',
  };

  it('lead its bounces and its links to the platform', () => {
    const records = domainRecords(names, domain);

    expect(
      records.filter(({ type }) => type === 'CNAME').map(({ name, value }) => `${name} ${value}`),
    ).toEqual(['psrp.shop.test rp.postal.acme.test', 'click.shop.test track.postal.acme.test']);
    expect(records.filter(({ optional }) => optional).map(({ name }) => name)).toEqual([
      'shop.test',
      '_dmarc.shop.test',
      'shop.test',
    ]);
  });

  it('need no tracking host where nothing is tracked', () => {
    const records = domainRecords(names, { ...domain, trackName: undefined });

    expect(records.some(({ name }) => name.startsWith('click.'))).toBe(false);
  });
});
