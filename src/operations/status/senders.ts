import type { Runtime } from '../../runtime.ts';
import { readSenderDomains } from '../../store/sender-domains.ts';

/** Whether mail of a domain that Postal has not verified is refused. */
export interface ShownSenders {
  readonly checked: boolean;
  /** Verified domains, as far as they are known. */
  readonly domains: number;
  /** When somebody last looked at them in Postal. */
  readonly seen_at: string | null;
}

/** What the last look at Postal's domains found. Where nobody can look that is said; that nobody could although there is access is warned of. */
export async function askSenders(
  world: Runtime,
): Promise<{ readonly senders: ShownSenders; readonly warnings: readonly string[] }> {
  const { POSTAL_DOMAINS_STALE_TTL } = await world.config('operator');
  const seen = await readSenderDomains(await world.postgres());
  const checked = seen !== undefined && seen.ageMs < POSTAL_DOMAINS_STALE_TTL;
  const senders = {
    checked,
    domains: seen?.domains.names.size ?? 0,
    seen_at: seen?.readAt.toISOString() ?? null,
  };
  const hasAccess = (await world.postalDatabase()) !== undefined;
  const words =
    'no worker could see which domains Postal has verified, so that senders are not checked; why: mailctl logs worker';
  return { senders, warnings: hasAccess && !checked ? [words] : [] };
}
