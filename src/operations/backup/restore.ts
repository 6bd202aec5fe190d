import type { Part, Store, TableRows } from '../../domain/backup-set.ts';
import { OperatorError } from '../../domain/failure.ts';
import type { Secret } from '../../domain/secret.ts';
import { migrations } from '../../store/migrate.ts';
import type { Plan, Step } from '../plan.ts';
import { requireName } from './confirm-name.ts';
import { identityHere } from './recipients.ts';
import { type Difference, differencesOf, liveRows } from './restore-differences.ts';
import { type PendingRestore, pendingRestore, rememberRestore, restoreNames } from './restore-names.ts';
import { prepareMariadb, preparePostgres } from './restore-prepare.ts';
import { shipAgain, shipCommand, type Shipping } from './restore-ship.ts';
import { isInPlace, swapMariadb, swapPostgres } from './restore-swap.ts';
import { refuseTraffic } from './restore-traffic.ts';
import type { BackupSet } from './sets.ts';
import { type ShownSet, shownSet } from './show.ts';
import type { Workplace } from './workplace.ts';

/** What the operator wants of a restore. */
export interface WantedRestore {
  readonly only: Store | undefined;
  readonly identityFile: string | undefined;
  /** The name that agrees to the swap; without it the set is only restored beside. */
  readonly confirm: string | undefined;
}

/** What a restore reports. */
export interface Restored {
  readonly set: ShownSet;
  readonly differs: readonly Difference[];
  readonly swapped: boolean;
  /** Minutes between the dump and now, whose HTTP submissions are lost; null where PostgreSQL was not swapped. */
  readonly lost_http_minutes: number | null;
  /** Whether the relay of this host was asked to ship again what it kept; null where PostgreSQL was not swapped. */
  readonly shipping: Shipping | null;
  readonly next: readonly string[];
}

interface Restoring {
  readonly place: Workplace;
  readonly set: BackupSet;
  readonly identity: Secret;
  readonly parts: readonly (Part & { readonly kind: Store })[];
  readonly stores: readonly Store[];
  /** Stores that an earlier run, which broke off, has put in place already. */
  readonly inPlace: readonly Store[];
  /** When that run began; now where there was none. */
  readonly restoredAt: Date;
}

/**
 * Plans to restore a set beside what runs, and with the name to put it in its place. From the swap until `commit` or `abort` nothing is
 * sent: sending is paused, and every row of Postal's queue is locked.
 */
export async function planRestore(
  place: Workplace,
  set: BackupSet,
  wanted: WantedRestore,
): Promise<Plan<Restored>> {
  const restoring = await lookAt(place, set, wanted);
  const { stores, parts, restoredAt } = restoring;
  const swaps = wanted.confirm !== undefined;
  if (swaps) {
    requireName(place, wanted.confirm);
    await refuseTraffic(place, stores);
  }
  const rowsNow: TableRows[] = [];
  const count = async () => void rowsNow.push(...(await liveRows(place, stores)));
  const minutes = Math.ceil((restoredAt.getTime() - dumpedAt(parts).getTime()) / 60_000);
  const ship = shippingOf(restoring, swaps);
  return {
    title: `Restore ${set.id} ${swaps ? 'in the place of what runs' : 'beside what runs'}`,
    steps: [
      step('compare', 'count the rows of what runs', count),
      ...besideSteps(restoring),
      ...(swaps ? swapSteps(restoring, ship) : []),
    ],
    result: () => ({
      set: shownSet(set),
      differs: differencesOf(rowsNow, parts),
      swapped: swaps,
      lost_http_minutes: ship.became() === null ? null : minutes,
      shipping: ship.became(),
      next: swaps ? nextAfterSwap(restoring, ship.became()) : nextBeside(restoring),
    }),
  };
}

function step(verb: string, what: string, run: () => Promise<void>): Step {
  return { do: verb, what, run };
}

async function lookAt(
  place: Workplace,
  set: BackupSet,
  { only, identityFile, confirm }: WantedRestore,
): Promise<Restoring> {
  const identity = await identityHere(place, identityFile);
  if (!identity) throw closed();
  await refuseNewer(set);
  const pending = await goesOn(place, set, { only, confirm });
  const wanted = pending?.stores ?? (only === undefined ? undefined : [only]);
  const parts = set.manifest.parts.filter(isStore).filter(({ kind }) => wanted?.includes(kind) ?? true);
  if (parts.length === 0) throw lacks(set.id, only);
  const stores = parts.map(({ kind }) => kind);
  const inPlace = pending ? await storesInPlace(place, set, stores) : [];
  const restoredAt = pending ? new Date(pending.restored_at) : place.world.clock.now();
  return { place, set, identity, parts, stores, inPlace, restoredAt };
}

/** The restore that broke off on its way into place, which this one ends; throws `refused` where another must be ended first. */
async function goesOn(
  place: Workplace,
  { id }: BackupSet,
  { only, confirm }: Pick<WantedRestore, 'only' | 'confirm'>,
): Promise<PendingRestore | undefined> {
  const pending = await pendingRestore(place);
  if (pending && (pending.id !== id || pending.state !== 'swapping')) throw pendingAlready(pending);
  if (pending && (confirm === undefined || only !== undefined)) throw brokenOff(pending);
  return pending;
}

async function storesInPlace(
  place: Workplace,
  { id }: BackupSet,
  stores: readonly Store[],
): Promise<readonly Store[]> {
  const found: Store[] = [];
  for (const store of stores) if (await isInPlace(place, id, store)) found.push(store);
  return found;
}

function isStore(part: Part): part is Part & { readonly kind: Store } {
  return part.kind === 'postgres' || part.kind === 'mariadb';
}

function besideSteps({ place, set, identity, parts, stores, inPlace }: Restoring): readonly Step[] {
  const names = restoreNames(set.id);
  const postalRestored = stores.includes('mariadb');
  return parts
    .filter(({ kind }) => !inPlace.includes(kind))
    .map((part) =>
      part.kind === 'postgres'
        ? step('restore', `restore PostgreSQL as ${names.beside}, and bring it to this version`, () =>
            preparePostgres(place, { set, part, identity }, { postalRestored }),
          )
        : step('restore', `restore Postal's databases as ${names.beside}_…, with their queue locked`, () =>
            prepareMariadb(place, { set, part, identity }),
          ),
    );
}

/** How relays are asked, and what became of it: `asked` before the step was run, and null where they need not be. */
interface Ship {
  readonly steps: readonly Step[];
  became(): Shipping | null;
}

function shippingOf({ place, stores, parts }: Restoring, swaps: boolean): Ship {
  if (!swaps || !stores.includes('postgres')) return { steps: [], became: () => null };
  let became: Shipping = 'asked';
  const ask = async () => {
    became = await shipAgain(place, dumpedAt(parts));
  };
  return {
    steps: [step('ship', 'have the relay ship again what it acknowledged since the dump', ask)],
    became: () => became,
  };
}

function swapSteps(
  { place, set, stores, parts, inPlace, restoredAt }: Restoring,
  ship: Ship,
): readonly Step[] {
  const names = restoreNames(set.id);
  const pending: PendingRestore = {
    id: set.id,
    stores: [...stores],
    dumped_at: dumpedAt(parts).toISOString(),
    restored_at: restoredAt.toISOString(),
    state: 'swapping',
  };
  const swaps: Readonly<Record<Store, Step>> = {
    postgres: step('swap', `put ${names.beside} in place; what was there becomes ${names.before}`, () =>
      swapPostgres(place, set),
    ),
    mariadb: step(
      'swap',
      `put the restored tables of Postal in place; the others go to ${names.before}_…`,
      () => swapMariadb(place, set),
    ),
  };
  return [
    step('check', 'see once more that nobody uses the databases', () => refuseTraffic(place, stores)),
    step('remember', 'remember that nothing may be sent', () => rememberRestore(place, pending)),
    ...stores.filter((store) => !inPlace.includes(store)).map((store) => swaps[store]),
    ...ship.steps,
    step('remember', 'wait for commit or abort', () =>
      rememberRestore(place, {
        ...pending,
        state: 'pending',
        shipping: ship.became() ?? undefined,
      }),
    ),
  ];
}

/** The moment of the earliest dump: what came after it may be missing. */
function dumpedAt(parts: readonly Part[]): Date {
  return new Date(Math.min(...parts.map(({ started_at: at }) => Date.parse(at))));
}

function nextBeside({ place, set: { id } }: Restoring): readonly string[] {
  const { confirm, to } = endingOf(place);
  return [`mailctl backup restore ${id} ${confirm}`, `mailctl backup abort ${id}${to}`];
}

function nextAfterSwap(
  { place, set: { id }, parts }: Restoring,
  shipping: Shipping | null,
): readonly string[] {
  const { confirm, to } = endingOf(place);
  const each = shipping === 'unseen' ? 'each host' : 'each other host';
  const said = shipping === 'unseen' ? ' --relays-shipped' : '';
  return [
    'start the api and the relays, not the workers',
    ...(shipping === null ? [] : [`on ${each} of a relay: ${shipCommand(dumpedAt(parts))}`]),
    `mailctl backup commit ${id} ${confirm}${said}`,
    `mailctl backup abort ${id}${to}`,
  ];
}

/** The flags of the command that ends the restore. */
function endingOf({ config, target }: Workplace): { readonly confirm: string; readonly to: string } {
  const to = target ? ` --to ${target.file}` : '';
  return { confirm: `--confirm ${config.MAIL_DOMAIN}${to}`, to };
}

async function refuseNewer({ id, manifest }: BackupSet): Promise<void> {
  const known = (await migrations()).at(-1)?.version ?? 0;
  if ((manifest.migration ?? 0) <= known) return;
  throw new OperatorError(
    'refused',
    `${id} is newer than this mailctl: it has migration ${manifest.migration}`,
    {
      hint: 'Install the version that made it, or a newer one; nothing was changed',
    },
  );
}

function closed(): OperatorError {
  return new OperatorError('usage', 'no key on this host opens the set', {
    hint: 'Fetch the escrow key: --identity-file FILE',
    field: '--identity-file',
  });
}

function brokenOff({ id, stores }: PendingRestore): OperatorError {
  return new OperatorError(
    'refused',
    `the restore of ${id} (${stores.join(' and ')}) broke off on its way into place; nothing was changed`,
    {
      hint: `Go on as it was begun: mailctl backup restore ${id} --confirm NAME; or go back: mailctl backup abort ${id}`,
    },
  );
}

function pendingAlready({ id }: PendingRestore): OperatorError {
  return new OperatorError(
    'refused',
    `the restore of ${id} is neither committed nor aborted; nothing was changed`,
    {
      hint: `First: mailctl backup commit ${id}, or mailctl backup abort ${id}`,
    },
  );
}

function lacks(id: string, only: Store | undefined): OperatorError {
  return new OperatorError('usage', `${id} holds no dump of ${only ?? 'a database'}`, {
    hint: `See what it holds: mailctl backup show ${id}`,
    field: '--only',
  });
}
