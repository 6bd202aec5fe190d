// Postal's own tables, as far as mailctl reads them: the mail server, its credentials, and every message in a database of its own.
import { readFileSync } from 'node:fs';

import { setting } from './configuration.mjs';

/** Compiled into the image when it is built. */
const { postalLedger } = await import(new URL('postal-ledger.mjs', import.meta.url).href);
const main = setting('main_db', 'database');
const prefix = setting('message_db', 'database_name_prefix');
const entries = [
  'load',
  'messageStored',
  'queued',
  'delivered',
  'bounced',
  'visited',
  'loadWebhooks',
  'webhookQueued',
  'webhookTried',
];

/** `settle` writes down what is provisioned, and gives it back; the ledger writes rows once there is a mail server. */
export function openBooks(mariadb, token) {
  let ledger;
  const run = (text, values) =>
    mariadb.session(async ({ command, query }) => {
      await command(`use \`${main}\``);
      return query(text, values);
    });
  return {
    ledger: Object.fromEntries(entries.map((name) => [name, async (...row) => ledger?.[name](...row)])),
    settle: async (provisioned) => {
      const { server, credentials = [], domains = [] } = provisioned ?? {};
      if (!server) return provisioned;
      const messages = `${prefix}-server-${server.id}`;
      await makeDatabase(mariadb, messages);
      await run('replace into servers (id, name, permalink, token, mode) values (?, ?, ?, ?, ?)', [
        server.id,
        server.permalink,
        server.permalink,
        token,
        'Live',
      ]);
      await vouchFor(run, server.id, domains);
      await run('delete from credentials where server_id = ?', [server.id]);
      for (const { id, type, name, key } of credentials)
        await run('insert into credentials (id, server_id, type, name, `key`) values (?, ?, ?, ?, ?)', [
          id,
          server.id,
          type,
          name,
          key,
        ]);
      ledger = postalLedger({ run, messages, serverId: server.id, domain: domains[0]?.name });
      return provisioned;
    },
  };
}

/** What is provisioned is marked as verified. */
async function vouchFor(run, serverId, domains) {
  await run(`delete from domains where owner_type = 'Server' and owner_id = ?`, [serverId]);
  for (const { name } of domains)
    await run(
      `insert into domains (name, owner_type, owner_id, verified_at) values (?, 'Server', ?, utc_timestamp())`,
      [name, serverId],
    );
}

/** As Postal does when a mail server is made. */
async function makeDatabase(mariadb, name) {
  const tables = readFileSync('/opt/postal/postal-messages.sql', 'utf8').replaceAll(
    'CREATE TABLE `',
    'CREATE TABLE IF NOT EXISTS `',
  );
  await mariadb.session(async ({ command }) => {
    await command(`create database if not exists \`${name}\` collate utf8mb4_unicode_ci`);
    await command(`use \`${name}\``);
    for (const table of tables.split(/;\n/).filter((text) => text.trim() !== '')) await command(table);
  });
}
