import { join } from 'node:path';

import { z } from 'zod';

import type { EnvFile } from '../../config/env-file.ts';
import { parseEnvFile } from '../../config/env-file.ts';
import { replaceInEnvFile } from '../../config/env-template.ts';
import type { VariableName } from '../../config/environment.ts';
import { resolve } from '../../config/resolve.ts';
import { OperatorError } from '../../domain/failure.ts';
import type { Runtime } from '../../runtime.ts';
import type { Plan, Step } from '../plan.ts';
import { askPostal } from './ask.ts';
import { type Drift, driftOf, mendable } from './drift.ts';
import { type PostalState, postalState } from './state.ts';
import { ownName, readProvisionFile, type Wanted, wantedOf } from './wanted.ts';

/** What `postal apply` reports. */
export interface PostalApplied {
  readonly changed: readonly string[];
  /** Where the password of the first administrator is, when one was made. */
  readonly administrator?: { readonly email: string; readonly password_file: string; readonly url: string };
  /** Variables of `.env` that hold what Postal made. */
  readonly written: readonly string[];
}

/** What is wanted, and what is there. */
export interface Compared {
  readonly wanted: Wanted;
  readonly state: PostalState;
  readonly drift: readonly Drift[];
}

/** Looks at Postal and says all that is not as the configuration and the declarative file want it. */
export async function lookAtPostal(world: Runtime): Promise<Compared> {
  const config = await world.config('operator');
  const wanted = wantedOf(config, (await readProvisionFile(world, config))?.file);
  return compare(world, wanted);
}

async function compare(world: Runtime, wanted: Wanted): Promise<Compared> {
  const state = await askPostal(world, 'look', wanted, postalState);
  return { wanted, state, drift: driftOf(wanted, state) };
}

const adminPasswordPath = 'secrets/postal-admin-password';

/** Plans to make Postal what the configuration and the declarative file want. No step where nothing differs. */
export async function planPostalApply(world: Runtime): Promise<Plan<PostalApplied>> {
  const { wanted, state, drift } = await lookAtPostal(world);
  return planApplying(world, wanted, { state, drift: mendable(drift) });
}

/** Plans to bring Postal from `state` to `wanted`, and into `.env` what Postal makes. */
export async function planApplying(
  world: Runtime,
  wanted: Wanted,
  { state, drift }: Pick<Compared, 'state' | 'drift'>,
): Promise<Plan<PostalApplied>> {
  const unwritten = await unwrittenKeys(world, state);
  const report: Report = { changed: [], written: [], credentials: state.credentials };
  const makesAdministrator = state.administrators === 0;
  const config = await world.config('operator');
  const unsure = wanted.domains.map(({ name }) => name).filter((name) => !isSettled(name, state));
  return {
    title:
      drift.length + unwritten.length === 0 ? 'Postal is as it should be' : 'Make Postal what it should be',
    steps: [
      ...(makesAdministrator ? [makePassword()] : []),
      ...(drift.length > 0 ? [provision(wanted, drift, report)] : []),
      ...(unwritten.length > 0 ? [writeKeys(unwritten, report)] : []),
      ...(drift.length > 0 && unsure.length > 0 ? [checkDns(wanted, unsure)] : []),
    ],
    result: () => ({
      changed: report.changed,
      written: report.written,
      ...(makesAdministrator && {
        administrator: {
          email: wanted.administrator.email,
          password_file: join(world.dir, adminPasswordPath),
          url: `${config.POSTAL_WEB_PROTOCOL}://${config.POSTAL_HOSTNAME}`,
        },
      }),
    }),
  };
}

interface Report {
  changed: readonly string[];
  written: readonly string[];
  /** The keys that were there, and after the change those that Postal made. */
  credentials: PostalState['credentials'];
}

/** The password is on disk before Postal has it: a run that breaks off between leaves no administrator that nobody can be. */
function makePassword(): Step {
  return {
    do: 'write',
    what: `write ${adminPasswordPath} (0600) unless it is there`,
    run: async ({ dir, files, random }) => {
      const path = join(dir, adminPasswordPath);
      if ((await files.readOwn(path)) !== undefined) return;
      await files.makeFolder(join(dir, 'secrets'), 0o700);
      await files.create(path, `${random.secret().reveal()}\n`, 0o600);
    },
  };
}

const appliedShape = postalState.extend({ changed: z.array(z.string()) });

function provision(wanted: Wanted, drift: readonly Drift[], report: Report): Step {
  return {
    do: 'provision',
    what: `bring Postal in line: ${drift.map(({ what, kind }) => `${what} (${kind})`).join(', ')}`,
    run: async (world) => {
      const password = (await world.files.readOwn(join(world.dir, adminPasswordPath)))?.trim();
      const administrator = { ...wanted.administrator, password };
      const { changed, credentials } = await askPostal(
        world,
        'apply',
        { ...wanted, administrator },
        appliedShape,
      );
      Object.assign(report, { changed, credentials });
    },
  };
}

const keyVariables = { POSTAL_API_KEY: 'API', POSTAL_SMTP_CREDENTIAL: 'SMTP' } as const;
type KeyVariable = keyof typeof keyVariables & VariableName;

/** Variables whose value is no key of this mail server. */
async function unwrittenKeys(world: Runtime, state: PostalState): Promise<readonly KeyVariable[]> {
  const sources = await world.sources();
  return (Object.keys(keyVariables) as KeyVariable[]).filter((name) => {
    const found = resolve(name, undefined, sources);
    const text = 'text' in found ? found.text : undefined;
    if (state.credentials.some(({ type, key }) => type === keyVariables[name] && key === text)) return false;
    if ('origin' in found && (found.origin === 'environment' || found.origin === 'file'))
      throw foreign(name, found.origin);
    return true;
  });
}

function foreign(name: string, origin: string): OperatorError {
  return new OperatorError(
    'refused',
    `${name} is no key of this mail server, and comes from ${origin === 'file' ? `the file of ${name}_FILE` : 'the environment'}`,
    {
      hint: `Unset it there: then apply writes the right one into .env`,
      field: name,
    },
  );
}

/** Puts the keys that Postal holds into `.env`. */
function writeKeys(names: readonly KeyVariable[], report: Report): Step {
  return {
    do: 'write',
    what: `write ${names.join(' and ')} into .env`,
    run: async (world) => {
      const path = join(world.dir, '.env');
      const content = (await world.files.readOwn(path)) ?? '';
      const file: EnvFile = parseEnvFile(content);
      const given = new Map(
        names.flatMap((name) => {
          const own = report.credentials.find(
            (one) => one.type === keyVariables[name] && one.name === ownName,
          );
          return own ? [[name, { text: own.key }] as const] : [];
        }),
      );
      await world.files.update(path, replaceInEnvFile({ content, file }, given), content, 0o600);
      report.written = [...given.keys()];
    },
  };
}

function isSettled(name: string, { domains }: PostalState): boolean {
  const found = domains.find((domain) => domain.name === name);
  return found?.dns.dkim.status === 'OK' && (found.tracking?.status ?? 'OK') === 'OK';
}

/** Has Postal look at the DNS of every domain it has now, not only within the hour. */
export async function lookAgainAtDns(world: Runtime): Promise<void> {
  const config = await world.config('operator');
  const { organization, server, domains } = wantedOf(config, (await readProvisionFile(world, config))?.file);
  const names = domains.map(({ name }) => name);
  await askPostal(world, 'check-dns', { organization, server, names }, postalState);
}

/** What the DNS says is Postal's to find out; that a name server is silent does not undo what was made. */
function checkDns({ organization, server }: Wanted, names: readonly string[]): Step {
  return {
    do: 'check-dns',
    what: `let Postal look at the DNS of ${names.join(', ')}`,
    run: async (world) => {
      await askPostal(world, 'check-dns', { organization, server, names }, postalState);
    },
  };
}
