import { type ExpiryNotice, expiryNotice } from '../../domain/key-expiry.ts';
import { type KeyKind, keyKinds } from '../../domain/key.ts';
import type { Runtime } from '../../runtime.ts';
import { type Figure, recordFigures } from '../../upkeep/figures.ts';
import { listApiKeys } from '../../store/api-keys.ts';
import { livingKeys } from '../../store/keys.ts';

/** A key that ends soon, or has ended lately. */
export interface ExpiringKey {
  readonly kind: KeyKind;
  readonly id: string;
  readonly name: string;
  readonly expires_at: string;
  readonly notice: ExpiryNotice;
}

type World = Pick<Runtime, 'postgres' | 'clock'>;

/** Keys that end within thirty days, or ended within the last thirty, soonest first. */
export async function expiringKeys({ postgres, clock }: World): Promise<readonly ExpiringKey[]> {
  const db = await postgres();
  const now = clock.now();
  const ofApi = (await listApiKeys(db)).filter(({ revokedAt }) => !revokedAt);
  const others = (await livingKeys(db)).filter(({ kind, state }) => kind !== 'api' && state === 'active');
  return [...ofApi.map((key) => ({ ...key, kind: 'api' as const })), ...others]
    .flatMap(({ kind, id, name, expiresAt }): ExpiringKey[] => {
      const notice = expiryNotice(expiresAt, now);
      return notice && expiresAt ? [{ kind, id, name, expires_at: expiresAt.toISOString(), notice }] : [];
    })
    .toSorted((one, other) => one.expires_at.localeCompare(other.expires_at));
}

/** A warning in words, with what to do. */
export function noticeText({ kind, id, name, expires_at, notice }: ExpiringKey): string {
  const isRefused = keyKinds[kind].atEnd === 'refused';
  const over = isRefused ? 'expired and is refused since' : 'is to be replaced since';
  const when = notice === 'expired' ? over : 'expires at';
  return `the ${kind} key ${name} (${id}) ${when} ${expires_at}: mailctl keys rotate ${name}`;
}

/** Writes down what the scheduler publishes of the ends of keys. */
export async function publishExpiry(
  world: Pick<Runtime, 'dir' | 'files'>,
  keys: readonly ExpiringKey[],
): Promise<void> {
  const levels: readonly ExpiryNotice[] = ['expired', '1d', '7d', '30d'];
  const kinds = new Set<KeyKind>(['api', ...keys.map(({ kind }) => kind)]);
  const counts = [...kinds].flatMap((kind) =>
    levels.map((within): Figure => ({
      name: 'mailctl_keys_expiring',
      help: 'Keys by how near their end is; each counts once',
      labels: { kind, within },
      value: keys.filter((key) => key.kind === kind && key.notice === within).length,
    })),
  );
  const ends = [...kinds].flatMap((kind): readonly Figure[] => {
    const first = keys.find((key) => key.kind === kind);
    if (!first) return [];
    return [
      {
        name: 'mailctl_key_expiry_timestamp_seconds',
        help: 'End of the key that ends first, of those that end within thirty days',
        labels: { kind },
        value: Date.parse(first.expires_at) / 1000,
      },
    ];
  });
  await recordFigures(world, 'keys', [...counts, ...ends]);
}
