import { expect, it } from 'vitest';

import { isByPassword, methodsOf, withHash } from '../../src/domain/account-methods.ts';
import { nativePasswordHash } from '../../src/domain/native-password.ts';
import { Secret } from '../../src/domain/secret.ts';

const [one, two] = [
  withHash('*74445CD742AF268FD22866DA0D12758951D638F7'),
  withHash('*A41BEE51488264C01B96DE959A9142AF1A75205E'),
];

it.each([
  ['no way to show who one is', 'CREATE USER `root`@`vm`', []],
  [
    'a password',
    "CREATE USER `t`@`%` IDENTIFIED BY PASSWORD '*74445CD742AF268FD22866DA0D12758951D638F7'",
    [one],
  ],
  ['two passwords', `CREATE USER \`t\`@\`%\` IDENTIFIED VIA ${one} OR ${two}`, [one, two]],
  [
    'a password or the socket, and bounds',
    `CREATE USER \`t\`@\`%\` IDENTIFIED VIA ${one} OR unix_socket REQUIRE SSL WITH MAX_USER_CONNECTIONS 3`,
    [one, 'unix_socket'],
  ],
  [
    'the socket alone',
    'CREATE USER `t`@`localhost` IDENTIFIED VIA unix_socket ACCOUNT LOCK',
    ['unix_socket'],
  ],
])('reads of an account with %s how it lets somebody in', (_, created, methods) => {
  expect(methodsOf(created)).toEqual(methods);
});

it('knows what is a password', () => {
  expect([one, 'unix_socket', "ed25519 USING 'x'"].map((method) => isByPassword(method ?? ''))).toEqual([
    true,
    false,
    false,
  ]);
});

it('hashes a password as MariaDB does', () => {
  expect(nativePasswordHash(new Secret('one'))).toBe('*74445CD742AF268FD22866DA0D12758951D638F7');
});
