// What Postal keeps in its main database: the stand-in keeps it there as one document, so that it outlives its process as Postal's own does,
// and what mailctl reads in Postal's own tables.
import { generateKeyPairSync, randomBytes } from 'node:crypto';

import { mariadbAt } from '/opt/mailctl/dist/adapters/mariadb.js';
import { Secret } from '/opt/mailctl/dist/domain/secret.js';
import { setting } from './configuration.mjs';
import { openBooks } from './books.mjs';

const table = `\`${setting('main_db', 'database')}\`.stand_in`;
const server = mariadbAt({
  host: setting('main_db', 'host'),
  port: setting('main_db', 'port'),
  user: setting('main_db', 'username'),
  password: new Secret(setting('main_db', 'password')),
  timeoutMs: 30_000,
});

/** The mail server's own keys and names, made once, and a shelf for what is provisioned. */
export async function openKept() {
  await server.session(({ command }) =>
    command(`create table if not exists ${table} (name varchar(32) primary key, kept longtext not null)`),
  );
  const own = (await read('own')) ?? (await write('own', newIdentity()));
  const books = openBooks(server, own.serverToken);
  return {
    own,
    ledger: books.ledger,
    registry: {
      load: async () => books.settle(await read('registry')),
      save: async (provisioned) => books.settle(await write('registry', provisioned)),
    },
  };
}

function newIdentity() {
  const token = () => randomBytes(3).toString('hex');
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 1024 });
  return {
    serverToken: token(),
    selector: `postal-${token()}`,
    dkim: privateKey.export({ type: 'pkcs8', format: 'pem' }),
  };
}

async function read(name) {
  const rows = await server.session(({ query }) => query(`select kept from ${table} where name = ?`, [name]));
  return rows.length === 0 ? undefined : JSON.parse(rows[0].kept);
}

async function write(name, value) {
  await server.session(({ query }) =>
    query(`replace into ${table} (name, kept) values (?, ?)`, [name, JSON.stringify(value)]),
  );
  return value;
}
