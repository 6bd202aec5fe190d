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
