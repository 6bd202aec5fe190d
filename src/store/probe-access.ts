import type { Database } from '../adapters/postgres.ts';

const keyName = 'mailctl e2e';
const endpointPath = '/mailctl-e2e/';

/** What an end-to-end check is called in the tables it writes to, so that a killed one can be cleaned up after. */
export const probeNames = {
  apiKey: keyName,
  username: (runId: string) => `${runId}@e2e.mailctl.invalid`,
  endpointUrl: (base: string, runId: string) => `${base}${endpointPath}${runId}`,
} as const;

/** Removes the user, the keys and the endpoint of a run, and those that a killed run left more than an hour ago. */
export async function removeProbeAccess(db: Database, runId: string): Promise<void> {
  await db.transaction(async (within) => {
    await within.change(
      `delete from smtp_credentials where username = $1
       or (username like '%@e2e.mailctl.invalid' and created_at < now() - interval '1 hour')`,
      [probeNames.username(runId)],
    );
    await within.change(
      `delete from api_keys where name = $1 or (name like $2 and created_at < now() - interval '1 hour')`,
      [`${keyName} ${runId}`, `${keyName} %`],
    );
    await within.change(
      `delete from webhook_endpoints where url like $1 or (url like $2 and created_at < now() - interval '1 hour')`,
      [`%${endpointPath}${runId}`, `%${endpointPath}%`],
    );
  });
}
