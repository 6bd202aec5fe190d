import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { publicHalf } from '../../../src/domain/postal-webhook.ts';
import { Secret } from '../../../src/domain/secret.ts';
import { signingRecord } from '../../../src/operations/postal/dns-records.ts';
import type { Served } from '../../dns/name-server.ts';

/** The record of the signing key that a rotation in this folder is about to use, as an operator publishes it. */
export async function comingRecords(folder: string): Promise<readonly Served[]> {
  const pending = join(folder, 'secrets/rotation');
  const names = { postalHost: 'postal.example.com', relayHost: '', apiHost: '', addresses: [] };
  const records: Served[] = [];
  for (const file of await readdir(pending).catch(() => [])) {
    const text = (await readFile(join(pending, file), 'utf8')).trim();
    if (!text.includes('PRIVATE KEY')) continue;
    const { name, value } = signingRecord({ ...names, signingPublicKey: publicHalf(new Secret(text)).pem });
    records.push({ type: 'TXT', name, value });
  }
  return records;
}

/** How Postal's own program is reached in these tests: what its standard input brings is asked of the stand-in. */
export const runnerProgram = `
const outgoing = require('node:http').request(process.argv[2], { method: 'POST', headers: { 'content-type': 'application/x-ruby' } }, (reply) => {
  reply.pipe(process.stdout);
});
process.stdin.pipe(outgoing);
`;
