import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

import type { PostgresAddress } from '../../src/adapters/postgres.ts';

/** A line to a server that can be cut without either end hearing of it, as a firewall that forgets a connection does. */
export interface SilentLine extends AsyncDisposable {
  /** Where the server is reached over the line, on 127.0.0.1. */
  readonly port: number;
  /** Lets nothing through any more on the connections that there are; new ones work. Returns how many there were. */
  cut(): number;
  /** Has every client hear these octets, as though the server said them. */
  say(octets: Uint8Array): void;
}

/** Opens a line to PostgreSQL, and tells its address over it. */
export async function silentPostgres(
  address: PostgresAddress,
): Promise<SilentLine & { readonly address: PostgresAddress }> {
  const line = await openSilentLine(`${address.host}/.s.PGSQL.${address.port}`);
  return { ...line, address: { ...address, host: '127.0.0.1', port: line.port } };
}

/** Opens a line to a server on a unix socket. */
export async function openSilentLine(socketPath: string): Promise<SilentLine> {
  const pairs = new Set<readonly [Socket, Socket]>();
  const server = createServer({ noDelay: true }, (client) => {
    const pair = [client, connect(socketPath)] as const;
    pairs.add(pair);
    join(...pair, () => pairs.delete(pair));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const silent: Socket[] = [];
  return {
    port: (server.address() as AddressInfo).port,
    cut: () => {
      const sockets = [...pairs].flat();
      pairs.clear();
      for (const socket of sockets) socket.unpipe().pause();
      silent.push(...sockets);
      return sockets.length / 2;
    },
    say: (octets) => {
      for (const [client] of pairs) client.write(octets);
    },
    [Symbol.asyncDispose]: async () => {
      for (const socket of [...silent, ...[...pairs].flat()]) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

function join(client: Socket, served: Socket, ended: () => void): void {
  client.pipe(served).pipe(client);
  for (const socket of [client, served])
    socket
      .on('error', () => undefined)
      .once('close', () => {
        ended();
        if (!socket.isPaused()) for (const other of [client, served]) other.destroy();
      });
}
