import { readDurationFlag } from '../../domain/duration-flag.ts';
import type { EventKind } from '../../domain/event.ts';
import { OperatorError } from '../../domain/failure.ts';
import type { Runtime } from '../../runtime.ts';
import { reconcile, type Reconciled } from '../../upkeep/reconcile/reconcile.ts';
import type { Plan } from '../plan.ts';

/** What a comparison with Postal's databases did. */
export interface PostalReconciled {
  /** Events that were stored; on a dry run, that would be. */
  readonly changed: number;
  readonly events: Readonly<Partial<Record<EventKind, number>>>;
  readonly since: string;
  readonly until: string;
  /** Recipients that Postal had taken, and of which its databases know nothing any more. */
  readonly absent: number;
}

/** Plans to store what no webhook told; looks back to where the last comparison ended, or as far as `--since` says. */
export async function planReconcile(
  runtime: Runtime,
  since: string | undefined,
): Promise<Plan<PostalReconciled>> {
  const lookBackMs = since === undefined ? undefined : readDurationFlag('--since', since, '12h or 3d');
  let found = await compare(runtime, { lookBackMs, dryRun: true });
  const expected = total(found);
  const span = `since ${found.since.toISOString()}`;
  return {
    title:
      expected === 0
        ? `No event is missing ${span}`
        : `Store ${expected} events that no webhook told, ${span}`,
    steps:
      expected === 0
        ? []
        : [
            {
              do: 'store-events',
              what: `store ${inWords(found)}, and tell the endpoints of AMS`,
              run: async (world) => void (found = await compare(world, { lookBackMs, dryRun: false })),
            },
          ],
    result: () => ({
      changed: total(found),
      events: found.missing,
      since: found.since.toISOString(),
      until: found.until.toISOString(),
      absent: found.absent,
    }),
  };
}

type Wanted = Omit<Parameters<typeof reconcile>[2], 'goesOn'>;

async function compare(runtime: Runtime, wanted: Wanted): Promise<Reconciled> {
  const mariadb = await runtime.postalDatabase();
  if (!mariadb) {
    throw new OperatorError('config-invalid', "there is no access to Postal's databases", {
      hint: 'Set POSTAL_DB_HOST, POSTAL_DB_USER and POSTAL_DB_PASSWORD: mailctl config explain POSTAL_DB_HOST',
      field: 'POSTAL_DB_HOST',
    });
  }
  const { clock, random } = runtime;
  const world = { db: await runtime.postgres(), mariadb, clock, random };
  return reconcile(world, await runtime.config('operator'), { ...wanted, goesOn: () => true });
}

function total({ missing }: Reconciled): number {
  return Object.values(missing).reduce((sum, count) => sum + count, 0);
}

function inWords({ missing }: Reconciled): string {
  return Object.entries(missing)
    .map(([kind, count]) => `${count} ${kind}`)
    .join(', ');
}
