import type { Claim } from '../../src/store/claim.ts';

/** A claim that prefers nobody. */
export const plainClaim: Claim = {
  attemptId: 'att_1',
  limit: 10,
  leaseMs: 60_000,
  shares: [],
  others: 0,
  aged: 0,
  lowDelayMs: 0,
};
