import type { Database } from '../adapters/postgres.ts';

/**
 * Has what repeats in the transaction `within` keep one plan a connection. For short statements on few rows, which are found through the same
 * index whatever the values: PostgreSQL would make a plan for each list of them, which takes longer than the work.
 */
export async function keepPlans(within: Database): Promise<void> {
  await within.query('set local plan_cache_mode = force_generic_plan');
}
