import { unverifiedDomain } from '../../domain/sender-domains.ts';
import type { Runtime } from '../../runtime.ts';
import { readSenderDomains } from '../../store/sender-domains.ts';
import { changedBounds, unbounded, type WrittenBounds } from './bounds.ts';

/** A warning of each written domain whose mail is refused, as Postal has not verified it; none while nobody sees what it has verified. */
export async function warnOfUnverified(runtime: Runtime, written: WrittenBounds): Promise<readonly string[]> {
  const { senderDomains } = changedBounds(unbounded, written);
  if (senderDomains.length === 0) return [];
  const { POSTAL_DOMAINS_STALE_TTL } = await runtime.config('operator');
  const seen = await readSenderDomains(await runtime.postgres());
  if (!seen || seen.ageMs >= POSTAL_DOMAINS_STALE_TTL) return [];
  return senderDomains
    .filter((domain) => unverifiedDomain({ authors: [domain], senders: [] }, seen.domains) !== undefined)
    .map((domain) => `Postal has not verified ${domain}: mail from it is refused until it has`);
}
