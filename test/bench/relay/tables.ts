import { median, type Row } from '../report.ts';
import type { Manner } from './load.ts';
import type { Case, Result } from './measure.ts';

/** The relay as peers are measured, which hand nothing on either: what it accepts is on its disk, and the api is away. */
export const ourRelay = 'our relay, api away';
/** The relay while it hands everything to the real api and PostgreSQL, which have the same cores. */
export const shippingRelay = 'our relay, shipping to api and PostgreSQL';

/** A row for each case and server: medians of the rounds, and how many times as much our relay did. */
export function tableOf(cases: readonly Case[], results: readonly Result[]): readonly Row[] {
  const servers = [...new Set(results.map(({ server }) => server))];
  return cases.flatMap((which) => {
    const of = (name: string) => results.filter((one) => one.which === which && one.server === name);
    const rateOf = (name: string) => median(of(name).map(({ perSecond }) => perSecond));
    const ours = { alone: rateOf(ourRelay), shipping: rateOf(shippingRelay) };
    return servers.map((server) => rowOf(which, server, of(server), ours));
  });
}

function rowOf(
  which: Case,
  server: string,
  rounds: readonly Result[],
  ours: { readonly alone: number; readonly shipping: number },
): Row {
  const middle = (digits: number, read: (one: Result) => number) =>
    Number(median(rounds.map(read)).toFixed(digits));
  const perSecond = median(rounds.map((one) => one.perSecond));
  return {
    kb: which.bytes / 1000,
    connections: which.connections,
    'messages each': which.perConnection,
    client: which.manner,
    tls: which.tls ? 'yes' : 'no',
    server,
    'messages/s': Math.round(perSecond),
    'ours ×': Number((ours.alone / perSecond).toFixed(2)),
    ...(Number.isNaN(ours.shipping) ? {} : { 'shipping ×': Number((ours.shipping / perSecond).toFixed(2)) }),
    'p50 ms': middle(1, ({ p50Ms }) => p50Ms),
    'p99 ms': middle(1, ({ p99Ms }) => p99Ms),
    'server cpu-s/1000': middle(3, ({ serverCpuSeconds }) => serverCpuSeconds),
    'client cpu-s/1000': middle(3, (one) => (one.cpuSeconds / one.accepted) * 1000),
    'peak mb': Math.round(Math.max(...rounds.map(({ peakMegabytes }) => peakMegabytes))),
  };
}

interface Aim {
  readonly server: string;
  readonly messages: 'many' | 'one';
  readonly connections: number;
  readonly figure: string;
  readonly least?: number;
  readonly most?: number;
}

const ratio = 'ours ×';
const manners: readonly Manner[] = ['lockstep', 'pipelined'];
const aims: readonly Aim[] = [
  ...[20, 100].flatMap((connections) => [
    { server: 'Postfix, hold', messages: 'many' as const, connections, figure: ratio, least: 4 },
    { server: 'Haraka, spool', messages: 'many' as const, connections, figure: ratio, least: 8 },
    { server: 'Haraka, discard', messages: 'many' as const, connections, figure: ratio, least: 2 },
    { server: 'our no-op', messages: 'many' as const, connections, figure: ratio, least: 0.5 },
  ]),
  { server: 'Haraka, discard', messages: 'one', connections: 20, figure: ratio, least: 2 },
  { server: ourRelay, messages: 'many', connections: 20, figure: 'server cpu-s/1000', most: 0.12 },
  { server: ourRelay, messages: 'many', connections: 20, figure: 'p99 ms', most: 10 },
  { server: ourRelay, messages: 'many', connections: 100, figure: 'peak mb', most: 120 },
];

/**
 * What is aimed at, with 5 KB in plain text on a quiet machine, and what was found with either kind of client; an aim whose peer was
 * absent is left out.
 */
export function aimsOf(rows: readonly Row[]): readonly Row[] {
  return aims.flatMap((aim) => manners.flatMap((manner) => foundOf(aim, manner, rows)));
}

function foundOf(
  { server, messages, connections, figure, least = 0, most = Infinity }: Aim,
  manner: Manner,
  rows: readonly Row[],
): readonly Row[] {
  const wanted = { server, 'messages each': messages, connections, client: manner, kb: 5, tls: 'no' };
  const row = rows.find((one) => Object.entries(wanted).every(([name, value]) => one[name] === value));
  if (!row) return [];
  const found = Number(row[figure]);
  const aim = most === Infinity ? `≥ ${least}` : `≤ ${most}`;
  const met = found >= least && found <= most ? 'yes' : 'no';
  return [{ server, 'messages each': messages, connections, client: manner, figure, aim, found, met }];
}
