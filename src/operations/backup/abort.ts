import { postalDatabaseNames } from '../../store/postal/backup.ts';
import { ensurePostalDatabase, isMarkedPostal, moveTables } from '../../store/postal/restore.ts';
import { dropDatabase, endOwnSessions, hasDatabase, isMarked, renameDatabase } from '../../store/restore.ts';
import { OperatorError } from '../../domain/failure.ts';
import type { Plan, Step } from '../plan.ts';
import { dropPostal } from './commit.ts';
import { hasMariadb, mariadbAccess } from './mariadb-access.ts';
import { forgetRestore, pendingRestore, restoreNames } from './restore-names.ts';
import { movesOf } from './restore-swap.ts';
import { refuseTraffic } from './restore-traffic.ts';
import { requireSet } from './sets.ts';
import { type ShownSet, shownSet } from './show.ts';
import type { Workplace } from './workplace.ts';

/** Plans the way back: what was there before the restore takes its place again, and what was restored is dropped. */
export async function planAbort(place: Workplace, id: string): Promise<Plan<{ readonly set: ShownSet }>> {
  const set = await requireSet(place, id);
  const pending = await pendingRestore(place);
  if (pending?.id === id && pending.state === 'settled') throw agreedTo(id);
  const swapped = pending?.id === id ? pending.stores : [];
  if (swapped.length > 0) await refuseTraffic(place, swapped);
  const steps: readonly Step[] = [
    {
      do: 'swap',
      what: 'put back what was there before',
      run: async () => {
        if (swapped.includes('postgres')) await postgresBack(place, id);
        if (swapped.includes('mariadb')) await mariadbBack(place, id);
      },
    },
    { do: 'remove', what: `remove what was restored from ${id}`, run: () => dropRestored(place, id) },
    {
      do: 'forget',
      what: 'forget the restore',
      run: async () => (pending?.id === id ? forgetRestore(place) : undefined),
    },
  ];
  return {
    title: `Abort the restore of ${id}`,
    confirm: `Remove what was restored from ${id}?`,
    steps,
    result: () => ({ set: shownSet(set) }),
  };
}

function agreedTo(id: string): OperatorError {
  return new OperatorError(
    'refused',
    `the restore of ${id} was agreed to, and mail may have gone out since`,
    {
      hint: `Only the end of the commit is lacking: mailctl backup commit ${id} --confirm NAME`,
    },
  );
}

async function postgresBack({ world, config }: Workplace, id: string): Promise<void> {
  const { before, beside } = restoreNames(id);
  const live = config.POSTGRES_DATABASE;
  await using main = await world.postgresNamed('postgres');
  if (await isMarked(main, live, id)) {
    await endOwnSessions(main, live);
    await dropDatabase(main, beside);
    await renameDatabase(main, live, beside);
  }
  if (!(await hasDatabase(main, live)) && (await hasDatabase(main, before)))
    await renameDatabase(main, before, live);
}

async function mariadbBack(place: Workplace, id: string): Promise<void> {
  const { before, beside } = restoreNames(id);
  const { server, names } = await mariadbAccess(place);
  const old = { main: `${before}_${names.main}`, messagePrefix: `${before}_${names.messagePrefix}` };
  await server.session(async (session) => {
    if (!(await isMarkedPostal(session, names.main, id))) return;
    const kept = (await postalDatabaseNames(session, old)).map((name) => name.slice(before.length + 1));
    const back = await movesOf(session, kept, (database) => [`${before}_${database}`, database]);
    const running = await postalDatabaseNames(session, names);
    for (const database of running) await ensurePostalDatabase(session, `${beside}_${database}`);
    const away = await movesOf(session, running, (database) => [database, `${beside}_${database}`]);
    await moveTables(session, [...away, ...back]);
  });
  await dropPostal(place, before);
}

async function dropRestored(place: Workplace, id: string): Promise<void> {
  const { beside } = restoreNames(id);
  await using main = await place.world.postgresNamed('postgres');
  await dropDatabase(main, beside);
  if (hasMariadb(place)) await dropPostal(place, beside);
}
