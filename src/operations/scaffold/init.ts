import { createPrivateKey, createPublicKey } from 'node:crypto';
import { join } from 'node:path';

import { type EnvFile, parseEnvFile } from '../../config/env-file.ts';
import { type Given, isNamed, renderEnvFile, renderMissing } from '../../config/env-template.ts';
import { allVariables, type VariableName } from '../../config/environment.ts';
import { configInvalid } from '../../config/load.ts';
import { OperatorError } from '../../domain/failure.ts';
import type { Secret } from '../../domain/secret.ts';
import type { Runtime } from '../../runtime.ts';
import type { Plan, Step } from '../plan.ts';
import { makeFolder, modeText, writeFile } from '../steps/files.ts';
import { type Answers, chosenValues, secretValues } from './values.ts';

/** What `init` reports. */
export interface Initialised {
  readonly dir: string;
  readonly files: readonly {
    readonly path: string;
    readonly action: 'created' | 'changed' | 'kept';
    readonly mode: string;
  }[];
  readonly added: readonly string[];
  readonly kept: readonly string[];
  readonly next: readonly string[];
}

/** What is in the folder already. */
export interface Folder {
  readonly env: { readonly content: string; readonly file: EnvFile } | undefined;
  readonly signingKey: string | undefined;
  readonly publicKey: string | undefined;
  readonly missingFolders: readonly string[];
}

const privatePath = 'secrets/postal-signing.key';
const publicPath = 'secrets/postal-signing.pub';
const folders = ['.', 'secrets', 'state', 'backups'];
const secretMode = 0o600;

/** Looks at the folder; a `.env` that does not parse is refused with its lines, and left as it is. */
export async function lookAtFolder({ dir, files }: Pick<Runtime, 'dir' | 'files'>): Promise<Folder> {
  const content = await files.readOwn(join(dir, '.env'));
  const file = content === undefined ? undefined : parseEnvFile(content);
  if (file && file.problems.length > 0) {
    throw configInvalid(file.problems.map((problem) => ({ ...problem, name: problem.name ?? '.env' })));
  }
  return {
    env: file && content !== undefined ? { content, file } : undefined,
    signingKey: await files.readOwn(join(dir, privatePath)),
    publicKey: await files.readOwn(join(dir, publicPath)),
    missingFolders: await missing({ dir, files }),
  };
}

async function missing({ dir, files }: Pick<Runtime, 'dir' | 'files'>): Promise<readonly string[]> {
  const present = await Promise.all(folders.map((path) => files.isFolder(join(dir, path))));
  return folders.filter((_, index) => !present[index]);
}

/** Plans what the folder lacks. What is there stays as it is, above all every secret. */
export async function planInit(
  world: Pick<Runtime, 'dir' | 'random' | 'makeRsaKey'>,
  found: Folder,
  answers: Answers,
): Promise<Plan<Initialised>> {
  const { dir, random } = world;
  const given: Given = new Map([...chosenValues(answers, publicPath), ...secretValues(random)]);
  if (found.env) refuseContradiction(found.env.file, chosenValues(answers, publicPath), answers.asked);
  const keys = await signingKeySteps(world, found);
  const env = envStep(found, given);
  const files = [env.file, ...keys.files];
  return {
    title: found.env ? `Add to ${dir} what is missing` : `Write a new configuration into ${dir}`,
    steps: [...found.missingFolders.map((path) => makeFolder(path, 0o700)), ...keys.steps, ...env.steps],
    result: () => ({ dir, files, added: env.added, kept: env.kept, next: nextSteps(answers, found) }),
  };
}

type FileReport = Initialised['files'][number];

interface Part {
  readonly steps: readonly Step[];
}

function envStep(
  found: Folder,
  given: Given,
): Part & { file: FileReport; added: readonly string[]; kept: readonly string[] } {
  const path = '.env';
  const mode = modeText(secretMode);
  if (!found.env) {
    const step = writeFile({ path, content: renderEnvFile(given), mode: secretMode });
    return { steps: [step], file: { path, action: 'created', mode }, added: [...given.keys()], kept: [] };
  }
  const { content, file } = found.env;
  const { text, added } = renderMissing(file, given);
  const kept = allVariables.filter((name) => isNamed(file, name));
  if (added.length === 0) return { steps: [], file: { path, action: 'kept', mode }, added, kept };
  const whole = `${content.replace(/\n*$/, '\n')}${text}`;
  return {
    steps: [writeFile({ path, content: whole, mode: secretMode })],
    file: { path, action: 'changed', mode },
    added,
    kept,
  };
}

async function signingKeySteps(
  { makeRsaKey }: Pick<Runtime, 'makeRsaKey'>,
  found: Folder,
): Promise<Part & { files: readonly FileReport[] }> {
  const key = found.signingKey === undefined ? await makeRsaKey(2048) : keptKey(found.signingKey);
  const writes = [
    { path: privatePath, content: key.privatePem, present: found.signingKey !== undefined },
    { path: publicPath, content: key.publicPem, present: found.publicKey === key.publicPem },
  ];
  return {
    steps: writes
      .filter(({ present }) => !present)
      .map(({ path, content }) => writeFile({ path, content, mode: secretMode })),
    files: writes.map(({ path, present }) => ({
      path,
      action: present ? 'kept' : 'created',
      mode: modeText(secretMode),
    })),
  };
}

function keptKey(pem: string): { privatePem: string | Secret; publicPem: string } {
  try {
    const publicPem = createPublicKey(createPrivateKey(pem))
      .export({ type: 'spki', format: 'pem' })
      .toString();
    return { privatePem: pem, publicPem };
  } catch (cause) {
    throw new OperatorError('config-invalid', `${privatePath} is no private key; nothing was changed`, {
      hint: 'Put the right key back, or move the file away to have a new one made',
      field: privatePath,
      cause,
    });
  }
}

function refuseContradiction(file: EnvFile, chosen: Given, asked: ReadonlySet<VariableName>): void {
  for (const name of asked) {
    const there = file.values.get(name);
    const wanted = chosen.get(name)?.text;
    if (
      !there ||
      wanted === undefined ||
      there.text === '' ||
      there.text.toLowerCase() === wanted.toLowerCase()
    )
      continue;
    throw new OperatorError(
      'refused',
      `${name} is already ${there.text} in .env line ${there.line}; nothing was changed`,
      {
        hint: 'init only adds what is missing: change that line by hand, or leave the flag out',
        field: name,
      },
    );
  }
}

function nextSteps({ tls }: Answers, { env }: Folder): readonly string[] {
  const certificate =
    tls === 'files' ? ["Put the relay's certificate at secrets/tls.crt and its key at secrets/tls.key"] : [];
  const postalKey = env?.file.values.get('POSTAL_API_KEY')?.text
    ? []
    : ['Set POSTAL_API_KEY in .env: the API credential of your Postal mail server'];
  return [...certificate, ...postalKey, 'mailctl config check', 'mailctl db migrate', 'mailctl e2e'];
}
