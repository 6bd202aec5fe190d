import { OperatorError } from '../../domain/failure.ts';
import { type BodiesAtRisk, bodiesAtRisk } from '../../domain/postal-retention.ts';
import type { Runtime } from '../../runtime.ts';
import { bodiesOfServers, type ServerBodies } from '../../store/postal/raw-tables.ts';
import { type Figure, recordFigures } from '../../upkeep/figures.ts';

/** What Postal's retention is going to do to mail that it has not sent yet. */
export interface RetentionReport {
  readonly servers: readonly ServerRetention[];
}

interface ServerRetention {
  readonly id: number;
  readonly name: string;
  readonly days: number | null;
  readonly most_bytes: number | null;
  readonly bytes: number;
  readonly queued: number;
  readonly at_risk: readonly BodiesAtRisk[];
  /** Queued messages whose body is gone already. */
  readonly lost: number;
}

/** Looks at every mail server of Postal's. Throws `config-invalid` where there is no access to its databases. */
export async function showRetention(world: Runtime): Promise<RetentionReport> {
  const {
    POSTAL_DB_NAME: main,
    POSTAL_DB_MESSAGE_PREFIX: messagePrefix,
    POSTAL_RETENTION_AHEAD,
  } = await world.config('operator');
  const mariadb = await world.postalDatabase();
  if (!mariadb) throw noAccess();
  const servers = await mariadb.session((session) => bodiesOfServers(session, { main, messagePrefix }));
  const when = { now: world.clock.now(), aheadMs: POSTAL_RETENTION_AHEAD };
  return { servers: servers.map((server) => shown(server, when)) };
}

function shown(
  server: ServerBodies,
  when: { readonly now: Date; readonly aheadMs: number },
): ServerRetention {
  const { id, name, retention, tables, lost } = server;
  return {
    id,
    name,
    days: retention.days,
    most_bytes: retention.mostBytes,
    bytes: tables.reduce((sum, { bytes }) => sum + bytes, 0),
    queued: tables.reduce((sum, { queued }) => sum + queued, 0) + lost,
    at_risk: bodiesAtRisk(tables, retention, when),
    lost,
  };
}

/** Each thing that endangers mail, in words, with its remedy. */
export function warningsOf({ servers }: RetentionReport): readonly string[] {
  return servers.flatMap(({ name, at_risk: risks, lost }) => [
    ...risks.map(
      ({ table, queued, dropped_at: at, why }) =>
        `mail server ${name}: ${queued} queued messages lose their body at ${at}, when Postal drops ${table} ${remedies[why]}`,
    ),
    ...(lost > 0
      ? [
          `mail server ${name}: ${lost} queued messages have lost their body, and Postal will fail them; who is meant: mailctl queue list`,
        ]
      : []),
  ]);
}

const remedies: Readonly<Record<BodiesAtRisk['why'], string>> = {
  days: 'for its age: raise POSTAL_RAW_RETENTION_DAYS, then mailctl postal apply',
  size: 'because bodies take more than they may: raise POSTAL_RAW_RETENTION_SIZE, then mailctl postal apply',
};

/** Writes down what the scheduler publishes. */
export async function publishRetention(world: Runtime, { servers }: RetentionReport): Promise<void> {
  const sum = (count: (server: ServerRetention) => number) =>
    servers.reduce((all, server) => all + count(server), 0);
  await recordFigures(world, 'postal-retention', [
    figure(
      'at_risk',
      sum(({ at_risk: risks }) => risks.reduce((all, { queued }) => all + queued, 0)),
    ),
    figure(
      'lost',
      sum(({ lost }) => lost),
    ),
  ]);
}

function figure(state: string, value: number): Figure {
  return {
    name: 'mailctl_postal_bodies_messages',
    help: "Messages in Postal's queue whose body its retention drops soon (at_risk), or has dropped (lost)",
    labels: { state },
    value,
  };
}

function noAccess(): OperatorError {
  return new OperatorError('config-invalid', "there is no access to Postal's databases", {
    hint: 'Set POSTAL_DB_HOST, POSTAL_DB_USER and POSTAL_DB_PASSWORD: mailctl config explain POSTAL_DB_HOST',
    field: 'POSTAL_DB_HOST',
  });
}
