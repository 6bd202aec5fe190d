import { createHash } from 'node:crypto';

import { parseEnvFile } from '../../config/env-file.ts';
import { OperatorError } from '../../domain/failure.ts';
import type { Runtime } from '../../runtime.ts';
import type { Target } from './workplace.ts';

/** What may describe the databases of another host: where they are, who logs in, and the programs for them. */
const names =
  /^(POSTGRES_(HOST|PORT|DATABASE|USER|PASSWORD(_FILE)?|CONNECT_TIMEOUT)|POSTAL_DB_[A-Z_]+|BACKUP_(MARIADB_USER|MARIADB_PASSWORD(_FILE)?|TOOLS_PATH))$/;

/** The databases of another host, and what stands in the place of this folder's configuration for them. */
export interface OtherHost {
  readonly target: Target;
  readonly variables: Readonly<Record<string, string>>;
}

/** Reads such a file, which has the form of `.env`. Throws `usage` for what is none, or does not name both servers. */
export async function readTarget(
  { files }: Pick<Runtime, 'files'>,
  { file, path }: { readonly file: string; readonly path: string },
): Promise<OtherHost> {
  const text = await files.readOwn(path);
  if (text === undefined) throw wrong(`there is no file ${file}`);
  const { values, problems } = parseEnvFile(text);
  const [problem] = problems;
  if (problem) throw wrong(`${file}, line ${problem.line}: ${problem.message}`);
  const foreign = [...values.keys()].find((name) => !names.test(name));
  if (foreign !== undefined) throw wrong(`${file} sets ${foreign}, which says nothing of its databases`);
  const variables = Object.fromEntries([...values].map(([name, { text: value }]) => [name, value]));
  const lacking = ['POSTGRES_HOST', 'POSTAL_DB_HOST'].find((name) => (variables[name] ?? '') === '');
  if (lacking !== undefined) throw wrong(`${file} does not set ${lacking}`);
  const where = ['POSTGRES_HOST', 'POSTGRES_PORT', 'POSTGRES_DATABASE', 'POSTAL_DB_HOST', 'POSTAL_DB_PORT'];
  const hash = createHash('sha256').update(JSON.stringify(where.map((name) => variables[name] ?? '')));
  return { variables, target: { file, mark: hash.digest('hex').slice(0, 8) } };
}

function wrong(message: string): OperatorError {
  return new OperatorError('usage', `--to: ${message}`, {
    hint: 'Write POSTGRES_HOST, POSTAL_DB_HOST and what else differs there, as in .env',
    field: '--to',
  });
}
