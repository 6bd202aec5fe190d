import type { EnvFile } from '../../config/env-file.ts';
import { completeEnvFile, type Given, isFilled, renderEnvFile } from '../../config/env-template.ts';
import { allVariables, type VariableName } from '../../config/environment.ts';
import { OperatorError } from '../../domain/failure.ts';
import type { Runtime } from '../../runtime.ts';
import type { Plan } from '../plan.ts';
import { makeFolder } from '../steps/files.ts';
import { changeFile, type FileChange, type FileReport } from './file-change.ts';
import { envPath, type Folder, publicKeyPath, secretMode } from './folder.ts';
import { signingKeyChanges } from './signing-key.ts';
import { type Answers, chosenValues, secretValues, writtenTls } from './values.ts';

/** What `init` reports. */
export interface Initialised {
  readonly dir: string;
  readonly files: readonly FileReport[];
  readonly added: readonly string[];
  readonly kept: readonly string[];
  readonly next: readonly string[];
}

/** Plans what the folder lacks. What is there stays as it is, above all every secret. */
export async function planInit(
  world: Pick<Runtime, 'dir' | 'random' | 'makeRsaKey'>,
  found: Folder,
  answers: Answers,
): Promise<Plan<Initialised>> {
  const { dir, random } = world;
  const chosen = chosenValues(answers, publicKeyPath);
  if (found.env) refuseContradiction(found.env.file, chosen, answers);
  const env = envChange(found, new Map([...chosen, ...secretValues(random)]));
  const changes = [...(await signingKeyChanges(world, found)), env.change];
  const { added, kept } = env;
  return {
    title: found.env ? `Add to ${dir} what is missing` : `Write a new configuration into ${dir}`,
    steps: [
      ...found.missingFolders.map((path) => makeFolder(path, 0o700)),
      ...changes.flatMap(({ steps }) => steps),
    ],
    result: () => ({
      dir,
      files: changes.map(({ report }) => report).toReversed(),
      added,
      kept,
      next: nextSteps(answers),
    }),
  };
}

interface EnvChange {
  readonly change: FileChange;
  readonly added: readonly VariableName[];
  readonly kept: readonly VariableName[];
}

function envChange({ env }: Folder, given: Given): EnvChange {
  const { content, added } = env
    ? completeEnvFile(env, given)
    : { content: renderEnvFile(given), added: allVariables.filter((name) => given.has(name)) };
  return {
    change: changeFile({ path: envPath, content, mode: secretMode }, env),
    added,
    kept: env ? allVariables.filter((name) => isFilled(env.file, name)) : [],
  };
}

/** What the flags say must not differ from what the file says: init changes nothing that is there. */
function refuseContradiction(file: EnvFile, chosen: Given, { asked, tls }: Answers): void {
  for (const name of asked) {
    const there = file.values.get(name);
    const wanted = chosen.get(name)?.text ?? '';
    if (!there || there.text === '' || there.text.toLowerCase() === wanted.toLowerCase()) continue;
    throw contradiction(`${name} is already ${there.text} in .env line ${there.line}`, name);
  }
  const source = writtenTls(file);
  if (source === undefined || source === tls) return;
  throw contradiction(`.env is written for --tls ${source}, not ${tls}`, '--tls');
}

function contradiction(message: string, field: string): OperatorError {
  return new OperatorError('refused', `${message}; nothing was changed`, {
    hint: 'init only adds what is missing: change .env by hand, or leave the flag out',
    field,
  });
}

function nextSteps({ tls }: Answers): readonly string[] {
  const certificate = 'Put a certificate for every name at secrets/tls.crt, and its key at secrets/tls.key';
  return [
    ...(tls === 'files' ? [certificate] : []),
    'mailctl config check',
    'mailctl up',
    'mailctl e2e',
    'mailctl backup key make --out escrow.key, and take that file off this host',
  ];
}
