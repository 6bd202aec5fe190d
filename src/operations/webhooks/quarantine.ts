import type { Database } from '../../adapters/postgres.ts';
import { OperatorError } from '../../domain/failure.ts';
import type { Runtime } from '../../runtime.ts';
import {
  dismissQuarantined,
  findQuarantined,
  listQuarantine,
  type Quarantined,
  retryQuarantined,
} from '../../store/quarantine.ts';
import type { Plan } from '../plan.ts';

/** What lies in quarantine, in the form of the report. */
export interface ShownQuarantined {
  readonly id: string;
  readonly kind: Quarantined['kind'];
  readonly about: string;
  readonly reason: string;
  readonly received_at: string;
}

export interface ShownQuarantine {
  readonly quarantined: readonly ShownQuarantined[];
  /** For `--cursor`; null on the last page. */
  readonly next_cursor: string | null;
}

interface Page {
  readonly limit: number;
  readonly cursor: string | undefined;
}

/** A page of the quarantine, oldest first. */
export async function showQuarantine(db: Database, { limit, cursor }: Page): Promise<ShownQuarantine> {
  if (cursor !== undefined) await requireQuarantined(db, cursor);
  const found = await listQuarantine(db, { limit: limit + 1, after: cursor });
  const quarantined = found.slice(0, limit).map(shown);
  return { quarantined, next_cursor: found.length > limit ? (quarantined.at(-1)?.id ?? null) : null };
}

/** One of them with its octets as text. Throws `usage` when nothing of this id lies there. */
export async function showQuarantined(
  db: Database,
  id: string,
): Promise<{ readonly quarantined: ShownQuarantined & { readonly content: string } }> {
  const found = await requireQuarantined(db, id);
  return { quarantined: { ...shown(found), content: found.content.toString('utf8') } };
}

/** How many an act changed; on a dry run, would change. */
export interface QuarantineChanged {
  readonly changed: number;
}

/** What can be done about it. */
export type QuarantineAct = 'retry' | 'dismiss';

const acts = {
  retry: { what: 'have the worker work out again', change: retryQuarantined },
  dismiss: { what: 'take for done, without working it out,', change: dismissQuarantined },
} as const;

const mostAtOnce = 10_000;

/** Plans an act on the named ones, or on all, ten thousand at a time. Throws `usage` where none is named. */
export async function planQuarantine(
  { postgres }: Runtime,
  act: QuarantineAct,
  { ids, all }: { readonly ids: readonly string[]; readonly all: boolean },
): Promise<Plan<QuarantineChanged>> {
  const chosen = await choose(await postgres(), ids, all);
  const { what, change } = acts[act];
  let changed: number | undefined;
  return {
    title: chosen.length === 0 ? 'Nothing lies in quarantine' : `${what} ${chosen.length} of the quarantine`,
    ...(act === 'dismiss' &&
      chosen.length > 0 && { confirm: `Dismiss ${chosen.length}? They change nothing any more.` }),
    steps:
      chosen.length === 0
        ? []
        : [
            {
              do: act,
              what: `${what} ${chosen.length} of the quarantine`,
              run: async (world) => void (changed = await change(await world.postgres(), chosen)),
            },
          ],
    result: () => ({ changed: changed ?? chosen.length }),
  };
}

async function choose(db: Database, ids: readonly string[], all: boolean): Promise<readonly string[]> {
  if (all) return (await listQuarantine(db, { limit: mostAtOnce })).map(({ id }) => id);
  if (ids.length === 0) {
    throw new OperatorError('usage', 'which are meant?', {
      hint: 'Name ids from: mailctl webhooks quarantine list; --all means every one',
      field: '--all',
    });
  }
  for (const id of ids) await requireQuarantined(db, id);
  return ids;
}

const uuid = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

async function requireQuarantined(db: Database, id: string) {
  const found = uuid.test(id) ? await findQuarantined(db, id) : undefined;
  if (found) return found;
  throw new OperatorError('usage', `nothing in quarantine has the id ${id}`, {
    hint: 'See what lies there: mailctl webhooks quarantine list',
    field: 'id',
  });
}

function shown({ id, kind, about, reason, receivedAt }: Quarantined): ShownQuarantined {
  return { id, kind, about, reason, received_at: receivedAt.toISOString() };
}
