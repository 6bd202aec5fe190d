import { expect, it } from 'vitest';

import { loadConfig } from '../../../src/config/load.ts';
import { mariadbConfig, postalConfig } from '../../../src/operations/postal/configuration.ts';
import { goodSecret, sourcesOf } from '../../config/valid-sources.ts';

const secrets = { POSTAL_RAILS_SECRET: goodSecret, MARIADB_POSTAL_PASSWORD: goodSecret };
const config = (changes: Readonly<Record<string, string>> = {}) =>
  loadConfig('operator', sourcesOf({ ...secrets, ...changes }));

it('writes the version 2 configuration with every name below the host of Postal', async () => {
  const text = (await postalConfig(config())).reveal();

  expect(text).toContain('version: 2');
  for (const line of [
    'web_hostname: "postal.example.com"',
    'mx_records: ["postal.example.com"]',
    'spf_include: "spf.postal.example.com"',
    'return_path_domain: "rp.postal.example.com"',
    'route_domain: "routes.postal.example.com"',
    'track_domain: "track.postal.example.com"',
    'allowed_request_destinations: ["api"]',
    'database_name_prefix: "postal"',
    'tls_certificate_path: "/tls/postal.example.com/fullchain.pem"',
    'max_message_size: 25',
  ])
    expect(text).toContain(line);
  expect(text).not.toContain('{{');
});

it('gives Postal a database connection for every thread', async () => {
  const text = (await postalConfig(config({ POSTAL_WORKER_THREADS: '20' }))).reveal();

  expect(text).toContain('pool_size: 22');
});

it('writes a value so that YAML cannot take it for anything else', async () => {
  const text = (await postalConfig(config({ MARIADB_POSTAL_USER: "'yes: #no'" }))).reveal();

  expect(text).toContain('username: "yes: #no"');
});

it('shows its secrets to nobody who prints it', async () => {
  expect(JSON.stringify(await postalConfig(config()))).not.toContain(goodSecret);
});

it.each(['POSTAL_RAILS_SECRET', 'MARIADB_POSTAL_PASSWORD'])('is not made without %s', async (name) => {
  await expect(postalConfig(config({ [name]: '' }))).rejects.toMatchObject({
    code: 'config-invalid',
    field: name,
    hint: 'Let a new one be made: mailctl init',
  });
});

it('sizes MariaDB for large mail, in octets', async () => {
  const text = await mariadbConfig(config({ MARIADB_MAX_ALLOWED_PACKET: '64MB' }));

  expect(text).toContain('max_allowed_packet = 67108864');
  expect(text).toContain('innodb_log_file_size = 536870912');
});

it.each([
  ['postal', ['queued_message_lock_stale_days: 7']],
  ['web_server', ['default_bind_address: 0.0.0.0']],
  ['worker', ['default_health_server_port: 9090', 'default_health_server_bind_address: 0.0.0.0']],
  [
    'smtp_server',
    [
      'default_bind_address: "::"',
      'default_health_server_port: 9091',
      'default_health_server_bind_address: 0.0.0.0',
    ],
  ],
  ['dns', ['resolv_conf_path: "/etc/resolv.conf"']],
])('tells the %s of Postal what the stack counts on', async (group, lines) => {
  const text = (await postalConfig(config())).reveal();

  const written = new RegExp(`^${group}:\\n((?: {2}.*\\n)+)`, 'm').exec(text)?.[1]?.split('\n') ?? [];
  expect(written.map((line) => line.trim())).toEqual(expect.arrayContaining(lines));
});

it('has Postal keep locked mail as long, and ask the DNS by the file, that the operator says', async () => {
  const changes = { POSTAL_LOCK_STALE_DAYS: '30', POSTAL_RESOLV_CONF: '/etc/sink/resolv.conf' };
  const text = (await postalConfig(config(changes))).reveal();

  expect(text).toContain('queued_message_lock_stale_days: 30\n');
  expect(text).toContain('resolv_conf_path: "/etc/sink/resolv.conf"\n');
});
