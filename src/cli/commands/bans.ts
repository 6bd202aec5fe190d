import type { Command } from 'commander';

import { parseDuration } from '../../domain/duration.ts';
import { OperatorError } from '../../domain/failure.ts';
import { type ChangedBans, planBan, planLift } from '../../operations/bans/change.ts';
import { type BanExplanation, explainBan } from '../../operations/bans/explain.ts';
import { showBans, type ShownBan, withoutRedis } from '../../operations/bans/show.ts';
import { acts, type Context, looks, type Session } from '../command.ts';
import type { Style } from '../output.ts';

const target = ['<address|username>', 'an address, its /24 (IPv4) or /64 (IPv6), or a user name'] as const;

interface AddFlags {
  readonly for: string;
  readonly reason: string;
}

/** `mailctl bans list|add|remove|explain`. */
export function defineBans(command: Command, session: Session): void {
  command
    .command('list')
    .description('List what the relays have locked after failed logins, and what you have banned.')
    .action(looks(session, list, bansAsText));
  command
    .command('add')
    .description('Lock an address, a network or a user name on every relay.')
    .argument(...target)
    .option('--for <duration>', 'how long, such as 1d, or ever', '1d')
    .option('--reason <text>', 'why, for bans list', '')
    .action(
      acts(
        session,
        ({ runtime }, word: string, flags: AddFlags) =>
          planBan(runtime, word, { reason: flags.reason, forMs: lengthOf(flags.for) }),
        bansAsText,
      ),
    );
  command
    .command('remove')
    .description('Lift every lock that concerns an address, a network or a user name.')
    .argument(...target)
    .action(acts(session, ({ runtime }, word: string) => planLift(runtime, word), liftedAsText));
  command
    .command('explain')
    .description('Say why an address or a user name is let in or not.')
    .argument(...target)
    .action(looks(session, ({ runtime }, word: string) => explainBan(runtime, word), explanationAsText));
}

async function list({ runtime, output }: Context): Promise<ChangedBans> {
  const redis = await runtime.redis();
  if (!redis) output.warn(withoutRedis);
  return showBans(redis, runtime.clock.now());
}

function lengthOf(text: string): number | undefined {
  if (text === 'ever') return undefined;
  const ms = parseDuration(text);
  if (ms !== undefined && ms > 0) return ms;
  throw new OperatorError('usage', `--for: "${text}" is no length of time`, {
    hint: 'Write for example 1d, or ever',
    field: '--for',
  });
}

function bansAsText({ bans }: ChangedBans, style: Style): string {
  return bans.length === 0 ? 'nothing is locked' : bans.map((ban) => line(ban, style)).join('\n');
}

function liftedAsText({ bans }: ChangedBans): string {
  return bans.length === 0
    ? 'nothing was locked'
    : bans.map(({ subject }) => `${subject} is free`).join('\n');
}

function explanationAsText({ verdict, bans, counts, known_networks }: BanExplanation, style: Style): string {
  return [
    style.bold(verdict),
    ...bans.map((ban) => `  ${line(ban, style)}`),
    ...counts.map(
      ({ subject, failures, of, forgotten_at }) =>
        `  ${subject}  ${failures} of ${of} failures, forgotten at ${forgotten_at}`,
    ),
    ...known_networks.map((network) => `  logged in from ${network}`),
  ].join('\n');
}

function line({ subject, by, reason, until }: ShownBan, style: Style): string {
  const why = by === 'operator' ? `banned${reason === null ? '' : `: ${reason}`}` : 'failed logins';
  return `${style.bold(subject)}  ${why}  until ${until ?? 'it is removed'}`;
}
