import { type Command, Option } from 'commander';

import { readDurationFlag } from '../../domain/duration-flag.ts';
import { type KeyKind, keyKindNames } from '../../domain/key.ts';
import { planRotation, type Rotated, type RotationReport } from '../../operations/keys/rotate.ts';
import { distributeSecrets } from '../../operations/stack/distribute-secrets.ts';
import { whoever } from '../acting.ts';
import { acts, type Context, type Session } from '../command.ts';
import type { Style } from '../output.ts';

interface RotateFlags {
  readonly kind?: KeyKind;
  readonly all?: true;
  readonly olderThan?: string;
  readonly expiring?: string;
  readonly continue?: true;
  readonly overlap?: string;
  readonly force?: true;
  readonly reason?: string;
  readonly recipient?: string;
  readonly expires?: string;
}

/** `mailctl keys rotate`: what is safe now is done now, and running it again goes on. */
export function defineRotate(command: Command, session: Session): void {
  command
    .command('rotate')
    .description('Replace keys without a refused request; what has to wait is done by a later run.')
    .argument('[name]', 'whose key: a name or id of keys list')
    .addOption(new Option('--kind <kind>', 'keys of this kind').choices(keyKindNames))
    .option('--all', 'keys of every kind')
    .option('--older-than <duration>', 'keys made longer ago, such as 90d')
    .option('--expiring <duration>', 'keys that end within this time, such as 7d')
    .option('--continue', 'only go on with rotations under way')
    .option(
      '--overlap <duration>',
      'how long the old key is accepted after its last use (default: KEYS_OVERLAP)',
    )
    .option('--force', 'retire old keys now, although they may still be used')
    .option(
      '--expires <duration>',
      'warn before the new key is that old, such as 90d (default: as the last one); keys of the api keep the length of keys create',
    )
    .option('--recipient <age1…>', 'public half of a new escrow key of backups, made on another machine')
    .option('--reason <text>', 'why, for whoever reads the list')
    .action(
      acts(
        session,
        (context, name: string | undefined, flags: RotateFlags) => plan(context, name, flags),
        rotatedAsText,
      ),
    );
}

async function plan({ runtime, terminal }: Context, name: string | undefined, flags: RotateFlags) {
  const { KEYS_OVERLAP } = await runtime.config('operator');
  return planRotation(runtime, {
    name,
    kind: flags.kind,
    isAll: flags.all === true,
    olderThanMs: durationOf('--older-than', flags.olderThan),
    expiringMs: durationOf('--expiring', flags.expiring),
    isContinuing: flags.continue === true,
    overlapMs: durationOf('--overlap', flags.overlap) ?? KEYS_OVERLAP,
    isForced: flags.force === true,
    expiresInMs: durationOf('--expires', flags.expires),
    reason: flags.reason ?? '',
    given: flags.recipient,
    by: whoever(terminal),
    spread: distributeSecrets,
  });
}

function durationOf(flag: string, text: string | undefined): number | undefined {
  return text === undefined ? undefined : readDurationFlag(flag, text, '90d, 24h or 30m');
}

function rotatedAsText({ keys, secret, secrets = [] }: RotationReport, style: Style): string {
  if (keys.length === 0) return 'no rotation is under way';
  const lines = keys.map((key) => `${style.bold(`${key.kind} ${key.name}`)} ${saidOf(key)}`);
  const shown = [
    ...(secret === undefined ? [] : [`  NEW=${secret}`]),
    ...secrets.map((one) => `  ${one.kind} ${one.name}  NEW=${one.secret}`),
  ];
  return [...lines, ...shown, ...(shown.length > 0 ? ['  Hand it on; it is shown this once.'] : [])].join(
    '\n',
  );
}

function saidOf({ state, until, why }: Rotated): string {
  if (state === 'replaced') return 'is replaced; the old one retires by itself when it is not used any more';
  if (state === 'retired') return 'has retired its old key';
  return until === null ? `waits: ${why}` : `keeps its old key until ${until}: ${why}`;
}
