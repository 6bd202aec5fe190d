import { z } from 'zod';

import { askForEngine } from './engine.ts';

const addressShape = z.object({ socketPath: z.string(), user: z.string(), password: z.string() });

/** How to reach the real MariaDB of this run, in the words of mysql2. A test makes a database of its own and drops it. */
export type MariadbAddress = z.infer<typeof addressShape>;

/** Waits until MariaDB runs. */
export async function mariadbAddress(): Promise<MariadbAddress> {
  return (await askForEngine('mariadb', addressShape)).address;
}
