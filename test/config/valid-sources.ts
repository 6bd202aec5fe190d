import { parseEnvFile } from '../../src/config/env-file.ts';
import { renderEnvFile } from '../../src/config/env-template.ts';
import { allVariables, environment, type VariableName } from '../../src/config/environment.ts';
import type { Sources } from '../../src/config/resolve.ts';
import type { Variable } from '../../src/config/variable.ts';

/** A secret that passes as one. */
export const goodSecret = 'Zb7-qT2_xK9vLw4mNc8sRy1pDg5hJf3a';

const others: Partial<Record<VariableName, string>> = {
  MAIL_DOMAIN: 'example.com',
  ADMIN_EMAIL: 'ops@example.com',
  RELAY_HOSTNAME: 'smtp.example.com',
  RELAY_TLS_CERT_FILE: 'secrets/tls.crt',
  RELAY_TLS_KEY_FILE: 'secrets/tls.key',
  API_URL: 'https://api.example.com',
  POSTAL_HOSTNAME: 'postal.example.com',
};

/** A `.env` that is complete and valid, changed in the named variables; undefined leaves one out. */
export function envText(changes: Readonly<Record<string, string | undefined>> = {}): string {
  const required = allVariables.filter((name) => {
    const { fallback, optional }: Variable = environment[name];
    return name in others || (fallback === undefined && !optional);
  });
  const values = {
    ...Object.fromEntries(required.map((name) => [name, others[name] ?? goodSecret])),
    ...changes,
  };
  return Object.entries(values)
    .flatMap(([name, value]) => (value === undefined ? [] : [`${name}=${value}\n`]))
    .join('');
}

/** Sources with that `.env`, an empty environment, and files by name. */
export function sourcesOf(
  changes: Readonly<Record<string, string | undefined>> = {},
  more: Partial<Sources> & { readonly files?: Readonly<Record<string, string>> } = {},
): Sources {
  const { files = {}, ...rest } = more;
  return {
    environment: {},
    file: parseEnvFile(envText(changes)),
    readFile: (path) => {
      const content = files[path];
      if (content === undefined) throw Object.assign(new Error('no such file'), { code: 'ENOENT' });
      return content;
    },
    ...rest,
  };
}

/** What `init` would write for these values. */
export function generated(values: Readonly<Partial<Record<VariableName, string>>>): string {
  return renderEnvFile(
    new Map(
      allVariables.flatMap((name) => {
        const text = values[name];
        return text === undefined ? [] : [[name, { text }] as const];
      }),
    ),
  );
}
