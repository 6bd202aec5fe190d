import { schedule } from 'node-cron';

import type { ActiveRow } from './room.ts';

/** Calls `due` whenever a row is due, by the clock of the machine in UTC. Returns what ends it. */
export function startTicks(rows: readonly ActiveRow[], due: (row: ActiveRow) => void): () => Promise<void> {
  const tasks = rows.map((row) =>
    schedule(row.schedule.text, () => due(row), {
      timezone: 'Etc/UTC',
      name: row.name,
      suppressMissedWarning: true,
    }),
  );
  return async () => {
    await Promise.all(tasks.map((task) => task.destroy()));
  };
}
