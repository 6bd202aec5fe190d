import { type ExpiryNotice, expiryNotice } from '../../domain/key-expiry.ts';
import type { Runtime } from '../../runtime.ts';
import { type Figure, recordFigures } from '../../upkeep/figures.ts';
import { listApiKeys } from '../../store/api-keys.ts';

/** A key that ends soon, or has ended lately. */
export interface ExpiringKey {
  readonly kind: 'api';
  readonly id: string;
  readonly name: string;
  readonly expires_at: string;
  readonly notice: ExpiryNotice;
}

type World = Pick<Runtime, 'postgres' | 'clock'>;

/** Keys that end within thirty days, or ended within the last thirty, soonest first. Only keys of the api have an end. */
export async function expiringKeys({ postgres, clock }: World): Promise<readonly ExpiringKey[]> {
  const now = clock.now();
  const keys = (await listApiKeys(await postgres())).filter(({ revokedAt }) => !revokedAt);
  return keys
    .flatMap(({ id, name, expiresAt }): ExpiringKey[] => {
      const notice = expiryNotice(expiresAt, now);
      return notice && expiresAt
        ? [{ kind: 'api', id, name, expires_at: expiresAt.toISOString(), notice }]
        : [];
    })
    .toSorted((one, other) => one.expires_at.localeCompare(other.expires_at));
}

/** A warning in words, with what to do. */
export function noticeText({ id, name, expires_at, notice }: ExpiringKey): string {
  const when = notice === 'expired' ? 'expired' : 'expires';
  return `the api key ${name} (${id}) ${when} at ${expires_at}: mailctl keys rotate ${name}`;
}

/** Writes down what the scheduler publishes of the ends of keys. */
export async function publishExpiry(
  world: Pick<Runtime, 'dir' | 'files'>,
  keys: readonly ExpiringKey[],
): Promise<void> {
  const levels: readonly ExpiryNotice[] = ['expired', '1d', '7d', '30d'];
  const counts = levels.map((within): Figure => ({
    name: 'mailctl_keys_expiring',
    help: 'Keys by how near their end is; each counts once',
    labels: { kind: 'api', within },
    value: keys.filter(({ notice }) => notice === within).length,
  }));
  const ends = keys.slice(0, 1).map((key): Figure => ({
    name: 'mailctl_key_expiry_timestamp_seconds',
    help: 'End of the key that ends first, of those that end within thirty days',
    labels: { kind: 'api' },
    value: Date.parse(key.expires_at) / 1000,
  }));
  await recordFigures(world, 'keys', [...counts, ...ends]);
}
