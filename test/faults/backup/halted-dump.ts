import { chmodSync, existsSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { until } from '../../store/until.ts';
import type { Scene } from './scene.ts';

/** Lets a client program stop in the middle until `go` is called; `halted` resolves when it stands. */
export function haltDump({ tools }: Pick<Scene, 'tools'>, client: 'mariadb-dump' | 'pg_dump') {
  const path = join(tools, client);
  renameSync(path, `${path}.real`);
  const wait = `head -c 9000; echo $$ >${tools}/halted; until [ -e ${tools}/go ]; do read -t 0.05 <> <(:); done; cat`;
  const body = `case "$*" in *--version*) exec "$0.real" "$@";; esac\nset -o pipefail\n"$0.real" "$@" | { ${wait}; }`;
  writeFileSync(path, `#!/bin/bash\n${body}\n`);
  chmodSync(path, 0o755);
  return {
    halted: () => until(() => existsSync(join(tools, 'halted')), Boolean, 90_000),
    go: () => writeFileSync(join(tools, 'go'), ''),
    mend: () => renameSync(`${path}.real`, path),
  };
}
