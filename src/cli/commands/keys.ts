import { type Command, Option } from 'commander';

import { parseDuration } from '../../domain/duration.ts';
import { failures, OperatorError } from '../../domain/failure.ts';
import { type KeyKind, keyKindNames } from '../../domain/key.ts';
import { readKeyBounds, type WrittenKeyBounds } from '../../operations/keys/bounds.ts';
import { type CreatedKey, planKey } from '../../operations/keys/create.ts';
import { expiringKeys, noticeText, publishExpiry } from '../../operations/keys/expiry.ts';
import { rotationsLeftToHost } from '../../operations/keys/left-to-host.ts';
import { planRevocation } from '../../operations/keys/revoke.ts';
import { showKey, showKeys, type ShownKey, type ShownOther } from '../../operations/keys/show.ts';
import type { Manner } from '../../operations/keys/transitions.ts';
import { distributeSecrets } from '../../operations/stack/distribute-secrets.ts';
import { whoever } from '../acting.ts';
import { defineRotate } from './keys-rotate.ts';
import { acts, type Context, looks, type Session } from '../command.ts';
import type { Style } from '../output.ts';

interface CreateFlags extends WrittenKeyBounds {
  readonly kind: KeyKind;
  readonly name: string;
  readonly scope: readonly string[];
  readonly expires: string;
}

/** `mailctl keys list|show|create|rotate|revoke`. */
export function defineKeys(command: Command, session: Session): void {
  command
    .command('list')
    .description(
      'List the keys of every kind, and warn of those that end soon or wait for this host (exit code 3).',
    )
    .addOption(kindOption())
    .option('--publish', 'write down the ends of keys, for the scheduler to publish')
    .action(looks(session, (context, flags: ListFlags) => listKeys(session, context, flags), keysAsText));
  defineRotate(command, session);
  command
    .command('show')
    .description('Show a key: its state, who changed it, and why.')
    .argument('<id>', 'id or name of keys list')
    .action(looks(session, async ({ runtime }, id: string) => showKey(runtime, id), keysAsText));
  defineCreate(command, session);
  command
    .command('revoke')
    .description('Refuse a key of the api from now on, or the old key of a rotation of any kind.')
    .argument('<id>', 'id or name of keys list')
    .option('--reason <text>', 'why, for whoever reads mailctl history')
    .action(
      acts(
        session,
        ({ runtime, terminal }, id: string) => planRevocation(runtime, id, atOnce(whoever(terminal))),
        ({ key }) => `${key.name} (${key.id}) is revoked`,
      ),
    );
}

function atOnce(by: string): Manner {
  return {
    by,
    reason: '',
    overlapMs: 0,
    isForced: true,
    expiresInMs: undefined,
    given: undefined,
    spread: distributeSecrets,
  };
}

interface ListFlags {
  readonly kind?: KeyKind;
  readonly publish?: true;
}

async function listKeys(session: Session, { runtime, output }: Context, { kind, publish }: ListFlags) {
  const expiring = await expiringKeys(runtime);
  for (const key of expiring) output.warn(noticeText(key));
  if (publish) await publishExpiry(runtime, expiring);
  const waiting = await rotationsLeftToHost(runtime);
  for (const line of waiting) output.warn(line);
  if (expiring.length + waiting.length > 0) session.exit = failures['partly-done'].exit;
  return showKeys(runtime, kind);
}

function kindOption(): Option {
  return new Option('--kind <kind>', 'keys of this kind').choices(keyKindNames);
}

function defineCreate(command: Command, session: Session): void {
  command
    .command('create')
    .description(
      'Create an API key; it is shown once. Keys of other kinds are made where what they belong to is made.',
    )
    .addOption(kindOption().default('api'))
    .requiredOption('--name <name>', 'who or what uses it')
    .addOption(
      new Option('--scope <scope...>', 'what it may do: send, read, admin').default(
        ['send', 'read'],
        'send and read',
      ),
    )
    .option('--expires <duration>', 'how long it is valid, such as 90d, or never', '365d')
    .option('--network <network...>', 'addresses it is taken from, such as 192.0.2.0/24 (default: any)')
    .option('--rate <rate>', 'requests it may make, such as 100/1m (default: API_RATE_LIMIT)')
    .action(
      acts(
        session,
        async ({ runtime }, { kind, name, scope, expires, network, rate }: CreateFlags) =>
          planKey(runtime, {
            kind,
            name,
            scopes: scope,
            expiresInMs: expires === 'never' ? undefined : durationOf(expires),
            bounds: readKeyBounds({ ...(network && { network }), ...(rate !== undefined && { rate }) }),
          }),
        createdAsText,
      ),
    );
}

function durationOf(text: string): number {
  const ms = parseDuration(text);
  if (ms !== undefined && ms > 0) return ms;
  throw new OperatorError('usage', `--expires: "${text}" is no duration`, {
    hint: 'Write for example 90d, or never',
    field: '--expires',
  });
}

function keysAsText({ keys }: { readonly keys: readonly (ShownKey | ShownOther)[] }, style: Style): string {
  if (keys.length === 0) return 'there is no key yet: mailctl keys create --name NAME';
  return keys
    .map((key) =>
      [
        style.bold(key.id.padEnd(29)),
        key.kind.padEnd(20),
        key.state.padEnd(8),
        key.name.padEnd(20),
        `expires ${endAsText(key)}`,
        `used ${key.last_used_at?.slice(0, 10) ?? ('scopes' in key ? 'never' : 'unknown')}`,
        ...('scopes' in key ? boundsAsText(key) : changeAsText(key)),
      ].join('  '),
    )
    .join('\n');
}

/** What the end does stands beside it where it does less than one may think. */
function endAsText({ expires_at: at, at_end }: ShownKey | ShownOther): string {
  return at === null ? 'never' : `${at.slice(0, 10)}${at_end === 'refused' ? '' : ` (${at_end})`}`;
}

function boundsAsText({ scopes, networks, rate }: ShownKey): readonly string[] {
  return [
    scopes.join(','),
    ...(networks.length > 0 ? [`from ${networks.join(',')}`] : []),
    ...(rate === null ? [] : [`at ${rate}`]),
  ];
}

function changeAsText({ reason, changed_by: by }: ShownOther): readonly string[] {
  return by === '' ? [] : [`by ${by}`, ...(reason === '' ? [] : [reason])];
}

function createdAsText({ key, secret, try: line }: CreatedKey, style: Style): string {
  return [
    `${style.bold(key.name)} may ${key.scopes.join(' and ')} until ${key.expires_at ?? 'it is revoked'}`,
    `  KEY=${secret ?? ''}`,
    '  It is shown this once. Try it:',
    `  ${line}`,
  ].join('\n');
}
