import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { temporaryFolder } from '../../cli/folders.ts';
import { envText } from '../../config/valid-sources.ts';
import type { TestDatabase } from '../../engines/postgres.ts';
import { runInProcess } from '../../fakes/terminal.ts';

/** An operator's folder whose `.env` leads to that database. */
export function folderFor(
  { address }: Pick<TestDatabase, 'address'>,
  more: Readonly<Record<string, string>> = {},
) {
  const folder = temporaryFolder();
  const values = {
    MAILCTL_MODE: 'sandbox',
    POSTGRES_HOST: address.host,
    POSTGRES_PORT: String(address.port),
    POSTGRES_DATABASE: address.database,
    POSTGRES_USER: address.user,
    POSTGRES_PASSWORD: address.password.reveal(),
    ...more,
  };
  writeFileSync(join(folder.path, '.env'), envText(values), { mode: 0o600 });
  return folder;
}

/** Runs a command on a folder with `--json`. */
export async function runJson(folder: { readonly path: string }, ...words: readonly string[]) {
  const { exit, out } = await runInProcess(['-C', folder.path, ...words, '--json']);
  const { data, error, warnings } = JSON.parse(out);
  return { exit, data, error, warnings };
}
