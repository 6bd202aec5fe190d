import type { AddressInfo } from 'node:net';

/** A service that runs on. */
export interface Running {
  /** Where its listeners really are, by name; ports that were 0 are known here. */
  readonly addresses: Readonly<Record<string, Listening>>;
  /** Finishes what is in flight within the room's shutdown timeout, then releases everything. Safe to call twice. */
  stop(): Promise<void>;
}

export interface Listening {
  readonly host: string;
  readonly port: number;
}

/** The address of a listening server, for `Running.addresses`. */
export function listeningAt(address: AddressInfo | string | null): Listening {
  if (address === null || typeof address === 'string')
    throw new TypeError('the server does not listen on a port');
  return { host: address.address, port: address.port };
}
