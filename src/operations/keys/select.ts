import { type Key, type KeyKind, keyKindNames } from '../../domain/key.ts';
import { OperatorError } from '../../domain/failure.ts';
import type { Runtime } from '../../runtime.ts';
import { livingKeys } from '../../store/keys.ts';
import type { Subject } from './kind.ts';
import { kinds } from './kinds.ts';

/** Which keys are meant. */
export interface Selection {
  readonly name: string | undefined;
  readonly kind: KeyKind | undefined;
  readonly isAll: boolean;
  readonly olderThanMs: number | undefined;
  readonly expiringMs: number | undefined;
  /** Only what is under way. */
  readonly isContinuing: boolean;
}

/** Something that has a key, with what is written down of its keys. */
export interface Candidate {
  readonly kind: KeyKind;
  readonly subject: Subject;
  readonly keys: readonly Key[];
}

/** Everything that has a key of one of these kinds. */
export async function candidates(
  world: Runtime,
  wanted: readonly KeyKind[] = keyKindNames,
): Promise<readonly Candidate[]> {
  const rows = await livingKeys(await world.postgres());
  const found: Candidate[] = [];
  for (const kind of wanted) {
    for (const subject of await kinds[kind].subjects(world)) {
      const keys = rows.filter((key) => key.kind === kind && key.name === subject.name);
      found.push({ kind, subject, keys });
    }
  }
  return found;
}

/** The candidates that a selection means. Throws `usage` when it names none, or says nothing. */
export async function select(world: Runtime, selection: Selection): Promise<readonly Candidate[]> {
  const { name, kind, isAll, isContinuing, olderThanMs, expiringMs } = selection;
  const said = [name, kind, olderThanMs, expiringMs].some((value) => value !== undefined);
  if (!said && !isAll && !isContinuing) throw nothingSaid();
  const all = await candidates(world, kind ? [kind] : keyKindNames);
  const now = world.clock.now().getTime();
  const meant = all.filter(
    (one) =>
      (name === undefined || name === one.subject.name || name === one.subject.handle) &&
      (!isContinuing || one.keys.some(({ state }) => state === 'pending' || state === 'retiring')) &&
      isDue(one, selection, now),
  );
  if (meant.length === 0 && name !== undefined) throw unknownName(name);
  return meant;
}

/** When the key in use was made. */
function madeAt({ subject, keys }: Candidate): Date | undefined {
  return keys.find(({ state }) => state === 'active')?.createdAt ?? subject.createdAt;
}

/** When the key in use is to be replaced at the latest. */
function endOf({ subject, keys }: Pick<Candidate, 'subject' | 'keys'>): Date | undefined {
  return subject.expiresAt ?? keys.find(({ state }) => state === 'active')?.expiresAt;
}

function isDue(one: Candidate, { olderThanMs, expiringMs }: Selection, now: number): boolean {
  const made = madeAt(one)?.getTime();
  const ends = endOf(one)?.getTime();
  const isOld = olderThanMs === undefined || made === undefined || made < now - olderThanMs;
  const isExpiring = expiringMs === undefined || (ends !== undefined && ends < now + expiringMs);
  return isOld && isExpiring;
}

function nothingSaid(): OperatorError {
  return new OperatorError('usage', 'which keys are meant?', {
    hint: 'Name one, or say --kind, --all, --older-than, --expiring or --continue; see: mailctl keys list',
    field: 'name',
  });
}

function unknownName(name: string): OperatorError {
  return new OperatorError('usage', `nothing of that kind is called ${name}`, {
    hint: 'See which there are: mailctl keys list',
    field: 'name',
  });
}
