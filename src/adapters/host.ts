import { lookup } from 'node:dns/promises';
import { statfs } from 'node:fs/promises';
import { createServer } from 'node:net';

/** What of this host matters before containers start on it. */
export interface Host {
  /** False when another program has the port; true also where only trying as root could tell. */
  portIsFree(address: string, port: number): Promise<boolean>;
  /** Octets that are free below a folder; undefined where it cannot be looked at, as on another machine. */
  freeBytes(folder: string): Promise<number | undefined>;
  /** The addresses of a name, as programs on this host see them; none where it has none. */
  addressesOf(name: string): Promise<readonly string[]>;
}

export const thisHost: Host = {
  portIsFree: (address, port) =>
    new Promise((resolve) => {
      const server = createServer();
      server.once('error', (cause: NodeJS.ErrnoException) => resolve(cause.code !== 'EADDRINUSE'));
      server.listen({ host: address, port, exclusive: true }, () => server.close(() => resolve(true)));
    }),
  freeBytes: async (folder) => {
    const found = await statfs(folder).catch(() => undefined);
    return found && found.bavail * found.bsize;
  },
  addressesOf: async (name) => {
    const found = await lookup(name, { all: true }).catch(() => []);
    return found.map(({ address }) => address);
  },
};
