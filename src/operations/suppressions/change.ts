import { parseDuration } from '../../domain/duration.ts';
import { OperatorError } from '../../domain/failure.ts';
import type { Suppression } from '../../domain/suppression.ts';
import {
  readSuppression,
  readSuppressionList,
  type WrittenSuppression,
} from '../../domain/suppression-list.ts';
import { parseTime } from '../../domain/time.ts';
import type { Runtime } from '../../runtime.ts';
import { addSuppressions, findSuppression, removeSuppression } from '../../store/suppressions.ts';
import type { Plan } from '../plan.ts';

/** What a change of the list did. */
export interface SuppressionsChanged {
  /** Suppressions that were written or removed; on a dry run, that would be. */
  readonly changed: number;
}

export interface WantedSuppression extends Omit<WrittenSuppression, 'expires_at'> {
  readonly address: string;
  /** A duration from now, or a time; undefined is never. */
  readonly expires: string | undefined;
}

/** Plans to keep mail from an address; one that is on the list is renewed. Throws `usage` naming what is wrong. */
export async function planSuppression(
  { clock }: Runtime,
  { expires, ...written }: WantedSuppression,
): Promise<Plan<SuppressionsChanged>> {
  const read = readSuppression(written);
  if (!read.ok)
    throw new OperatorError('usage', `${read.field} ${read.why}; nothing was changed`, {
      hint: 'For example: mailctl suppressions add ann@example.com --reason manual',
      field: read.field === 'address' ? 'address' : `--${read.field}`,
    });
  const expiresAt = expires === undefined ? undefined : endOf(expires, clock.now());
  const { address, scope, reason } = read.suppression;
  const until = expiresAt ? ` until ${expiresAt.toISOString()}` : '';
  return planAdding([{ ...read.suppression, expiresAt }], {
    title: `Keep mail from ${address}`,
    what: `keep ${mailOf(scope)} from ${address}${until} (${reason})`,
  });
}

/** Plans to add a list in one transaction. Throws `usage` naming the record that is wrong. */
export async function planImport({ readInput }: Runtime, path: string): Promise<Plan<SuppressionsChanged>> {
  const read = readSuppressionList(await readInput(path));
  if (!read.ok) throw wrongList(`record ${read.record}`, `record ${read.record}: ${read.why}`);
  if (read.suppressions.length === 0) throw wrongList('file', 'the list names no address');
  const what = `keep mail from the ${read.suppressions.length} addresses of ${path === '-' ? 'stdin' : path}`;
  return planAdding(read.suppressions, { title: `Import ${read.suppressions.length} suppressions`, what });
}

/** Plans to let an address get mail again. Throws `usage` when it is not on the list in this scope. */
export async function planRemoval(
  { postgres }: Runtime,
  { address, scope }: Pick<Suppression, 'address' | 'scope'>,
): Promise<Plan<SuppressionsChanged>> {
  const found = await findSuppression(await postgres(), { address, scope });
  if (!found) throw notListed(address, scope);
  const what = `let ${found.address} get ${mailOf(scope)} again (${found.reason} of ${found.createdAt.toISOString().slice(0, 10)})`;
  const isWish = found.reason === 'complaint' || found.reason === 'unsubscribe';
  return {
    title: `Let ${found.address} get mail again`,
    ...(isWish && { confirm: `Mail ${found.address} again, who asked for none (${found.reason})?` }),
    steps: [
      {
        do: 'remove-suppression',
        what,
        run: async (world) => void (await removeSuppression(await world.postgres(), address, scope)),
      },
    ],
    result: () => ({ changed: 1 }),
  };
}

function planAdding(
  list: readonly Suppression[],
  words: { readonly title: string; readonly what: string },
): Plan<SuppressionsChanged> {
  return {
    title: words.title,
    steps: [
      {
        do: 'add-suppressions',
        what: words.what,
        run: async ({ postgres }) => void (await addSuppressions(await postgres(), list)),
      },
    ],
    result: () => ({ changed: new Set(list.map(({ address, scope }) => `${address} ${scope}`)).size }),
  };
}

function mailOf(scope: string): string {
  return scope === '' ? 'all mail' : `mail with the tag "${scope}"`;
}

function endOf(text: string, now: Date): Date {
  const ms = parseDuration(text);
  const end = ms === undefined ? parseTime(text) : new Date(now.getTime() + ms);
  if (end && end > now) return end;
  throw new OperatorError('usage', `--expires: "${text}" is no duration, and no time to come`, {
    hint: 'Write for example 90d, or 2027-01-31T12:00:00Z',
    field: '--expires',
  });
}

function wrongList(field: string, why: string): OperatorError {
  return new OperatorError('usage', `${why}; nothing was imported`, {
    hint: 'A record is: address,scope,reason,evidence,expires_at; only the address is needed',
    field,
  });
}

function notListed(address: string, scope: string): OperatorError {
  const where = scope === '' ? 'for all mail' : `in the scope "${scope}"`;
  return new OperatorError('usage', `${address} is not on the list ${where}`, {
    hint: `See where it is: mailctl suppressions list --address ${address}`,
    field: 'address',
  });
}
