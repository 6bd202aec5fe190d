import { describe, expect, it } from 'vitest';

import { isCidr, isPublicAddress, publicOr, withinAny } from '../../src/domain/ip-address.ts';

describe('a public address', () => {
  it.each(['1.1.1.1', '8.8.8.8', '172.32.0.1', '100.128.0.1', '2606:4700::1111', '2a00:1450::1'])(
    'is %s',
    (address) => {
      expect(isPublicAddress(address)).toBe(true);
    },
  );

  it.each([
    '0.0.0.0',
    '10.1.2.3',
    '100.64.0.1',
    '127.0.0.1',
    '127.9.9.9',
    '169.254.169.254',
    '172.16.0.1',
    '172.31.255.255',
    '192.168.1.1',
    '198.18.0.1',
    '203.0.113.7',
    '224.0.0.1',
    '255.255.255.255',
    '::',
    '::1',
    '::ffff:127.0.0.1',
    '::ffff:8.8.8.8',
    '64:ff9b::7f00:1',
    '2001:db8::1',
    '2002:7f00:1::',
    'fc00::1',
    'fe80::1',
    'ff02::1',
    'example.com',
    '',
  ])('is not %s', (address) => {
    expect(isPublicAddress(address)).toBe(false);
  });
});

describe('the addresses that may be connected to', () => {
  const mayConnect = publicOr(['127.0.0.0/8', '10.1.2.3', 'fd00::/8']);

  it.each(['8.8.8.8', '127.0.0.1', '10.1.2.3', 'fd12::1', '::ffff:127.0.0.1', '::ffff:8.8.8.8'])(
    'include %s',
    (address) => {
      expect(mayConnect(address)).toBe(true);
    },
  );

  it.each(['10.1.2.4', '192.168.1.1', '::1', 'fe80::1%eth0', '::ffff:10.1.2.4', '::ffff:a01:204'])(
    'do not include %s',
    (address) => {
      expect(mayConnect(address)).toBe(false);
    },
  );
});

describe('an address range', () => {
  it.each(['10.0.0.0/8', '192.168.1.7', 'fd00::/8', '::1'])('is %s', (text) => {
    expect(isCidr(text)).toBe(true);
  });

  it.each(['10.0.0.0/33', 'fd00::/129', '10.0.0.0/8/9', 'localhost', '', '10.0.0.0/', '/8'])(
    'is not %s',
    (text) => {
      expect(isCidr(text)).toBe(false);
    },
  );
});

describe('an address within networks', () => {
  const inside = withinAny(['192.0.2.0/24', '198.51.100.7', '2001:db8::/32']);

  it.each(['192.0.2.255', '::ffff:192.0.2.1', '198.51.100.7', '2001:db8:1::1', '2001:db8::1%eth0'])(
    'is %s',
    (address) => {
      expect(inside(address)).toBe(true);
    },
  );

  it.each(['192.0.3.0', '198.51.100.8', '2001:db9::1', '', 'example.com'])('is not %s', (address) => {
    expect(inside(address)).toBe(false);
    expect(withinAny([])(address)).toBe(false);
  });
});
