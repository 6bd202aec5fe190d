import type { Disk } from '../../adapters/disk.ts';
import type { Log } from '../../adapters/log.ts';

/** A file that always holds the last text, or the one before it. */
export interface KeptFile {
  /** What an earlier process left; undefined when there is nothing that can be read. */
  readonly text: string | undefined;
  /** Writes what `read` returns when its turn comes: many changes at once are one write. */
  save(read: () => string): void;
  /** Resolves when all is written. */
  close(): Promise<void>;
}

/** Opens a file, 0600. Losing it costs an answer while the api is away, and no mail: the log says so, nobody fails. */
export async function openKeptFile(
  disk: Pick<Disk, 'read' | 'replace'>,
  path: string,
  log: Log,
): Promise<KeptFile> {
  const text = await disk.read(path).then(
    (bytes) => bytes.toString('utf8'),
    () => undefined,
  );
  let wanted: (() => string) | undefined;
  let writing: Promise<void> | undefined;
  const write = async () => {
    while (wanted) {
      const next = wanted();
      wanted = undefined;
      await disk
        .replace(path, [Buffer.from(next)])
        .catch((error: unknown) =>
          log.warn('what a restart should find again could not be written down', { error }),
        );
    }
    writing = undefined;
  };
  return {
    text,
    save: (read) => {
      wanted = read;
      writing ??= write();
    },
    close: async () => writing,
  };
}
