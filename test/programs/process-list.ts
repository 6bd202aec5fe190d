import { readdir, readFile } from 'node:fs/promises';

/** Ids of the processes whose command line contains `words`, other than this one. */
export async function processesWith(words: string): Promise<readonly number[]> {
  const ids = (await readdir('/proc')).map(Number).filter((id) => id > 0 && id !== process.pid);
  const matching = await Promise.all(
    ids.map(async (id) => {
      const line = await readFile(`/proc/${id}/cmdline`, 'utf8').catch(() => '');
      return line.includes(words) ? [id] : [];
    }),
  );
  return matching.flat();
}
