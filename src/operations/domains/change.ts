import { join } from 'node:path';

import { z } from 'zod';

import { isDomainName } from '../../domain/address.ts';
import { OperatorError } from '../../domain/failure.ts';
import type { Runtime } from '../../runtime.ts';
import type { Plan, Step } from '../plan.ts';
import { lookAtPostal, planApplying, type PostalApplied } from '../postal/apply.ts';
import { askPostal } from '../postal/ask.ts';
import { driftOf, mendable } from '../postal/drift.ts';
import { postalState } from '../postal/state.ts';
import { type ProvisionFile, readProvisionFile, wantedOf } from '../postal/wanted.ts';
import { tellSink } from './sink-records.ts';

/** What adding or removing a domain did. */
export interface DomainsChanged {
  readonly changed: readonly string[];
  readonly domain: string;
}

interface NewDomain {
  readonly name: string;
  readonly tracking: boolean;
}

/** Plans a new sending domain: in the declarative file, and in Postal with its tracking host. Throws `usage` for what is no domain. */
export async function planDomain(
  world: Runtime,
  { name: given, tracking }: NewDomain,
): Promise<Plan<DomainsChanged>> {
  const name = requireDomain(given);
  const { path, content, file } = await fileOf(world);
  const kept = file.domains.filter((domain) => domain.name !== name);
  const next = { ...file, domains: [...kept, { name, ...(tracking ? {} : { tracking: null }) }] };
  const config = await world.config('operator');
  const wanted = wantedOf(config, next);
  const { state } = await lookAtPostal(world);
  const drift = mendable(driftOf(wanted, state));
  const applying: Plan<PostalApplied> = await planApplying(world, wanted, { state, drift });
  const isListed = file.domains.some(
    (domain) => domain.name === name && (domain.tracking === null) !== tracking,
  );
  return {
    title: `Send from ${name}`,
    steps: [
      ...(isListed ? [] : [writeFile(path, content, next)]),
      ...applying.steps,
      ...(applying.steps.length > 0 ? await tellSink(world) : []),
    ],
    result: () => ({ changed: applying.result().changed, domain: name }),
  };
}

/** Plans to send no more from a domain: its keys, tracking host and routes go with it. */
export async function planDomainRemoval(world: Runtime, given: string): Promise<Plan<DomainsChanged>> {
  const name = requireDomain(given);
  const { path, content, file } = await fileOf(world);
  const { state, wanted } = await lookAtPostal(world);
  const isThere = state.domains.some((domain) => domain.name === name);
  const isListed = file.domains.some((domain) => domain.name === name);
  if (!isThere && !isListed) throw unknownDomain(name);
  const rest = {
    ...file,
    domains: file.domains.filter((domain) => domain.name !== name),
    routes: file.routes.filter((route) => route.domain !== name),
  };
  const domains = wantedOf(await world.config('operator'), rest).domains;
  if (domains.some((domain) => domain.name === name)) throw lastDomain(name);
  let changed: readonly string[] = [];
  return {
    title: `Send no more from ${name}`,
    confirm: `Remove ${name}? Mail from it is refused at once, its links stop working, and its DKIM key is gone.`,
    steps: [
      ...(content === undefined && !isListed ? [] : [writeFile(path, content, rest)]),
      {
        do: 'remove-domain',
        what: `remove ${name} from Postal, with its tracking host and routes`,
        run: async (running) => {
          const { organization, server } = wanted;
          const shape = postalState.extend({ changed: z.array(z.string()) });
          ({ changed } = await askPostal(running, 'remove-domain', { organization, server, name }, shape));
        },
      },
      ...(await tellSink(world)),
    ],
    result: () => ({ changed, domain: name }),
  };
}

interface Found {
  readonly path: string;
  readonly content: string | undefined;
  readonly file: ProvisionFile;
}

/** The declarative file; where there is none, one that says what followed from the configuration so far. */
async function fileOf(world: Runtime): Promise<Found> {
  const config = await world.config('operator');
  const path = config.POSTAL_PROVISION_FILE;
  const found = await readProvisionFile(world, config);
  if (found && found.file.domains.length > 0) return { path, ...found };
  const rest = found?.file ?? { organization: {}, server: {}, credentials: [], routes: [] };
  return { path, content: found?.content, file: { ...rest, domains: [{ name: config.MAIL_DOMAIN }] } };
}

function writeFile(path: string, was: string | undefined, file: ProvisionFile): Step {
  const content = `${JSON.stringify(file, undefined, 2)}\n`;
  return {
    do: 'write',
    what: `write ${path} (0600)`,
    run: ({ dir, files }) =>
      was === undefined
        ? files.create(join(dir, path), content, 0o600)
        : files.update(join(dir, path), content, was, 0o600),
  };
}

function requireDomain(given: string): string {
  const name = given.toLowerCase().replace(/\.$/, '');
  if (isDomainName(name)) return name;
  throw new OperatorError('usage', `"${given}" is no domain`, {
    hint: 'For example: mailctl domains add example.com',
    field: 'domain',
  });
}

function unknownDomain(name: string): OperatorError {
  return new OperatorError('usage', `Postal has no domain ${name}`, {
    hint: 'See which it has: mailctl domains list',
    field: 'domain',
  });
}

function lastDomain(name: string): OperatorError {
  return new OperatorError(
    'refused',
    `${name} is the last sending domain, and follows from MAIL_DOMAIN; nothing was changed`,
    {
      hint: 'Add another one first: mailctl domains add DOMAIN',
      field: 'domain',
    },
  );
}
