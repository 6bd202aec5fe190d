import { z } from 'zod';

import { type Attempt, loginNetworkOf } from '../../../domain/lockout.ts';

/** A user in a network that it logged in from, and how much longer that counts. */
export interface Acquaintance {
  readonly attempt: Attempt;
  readonly leftMs: number;
}

const file = z.array(z.object({ username: z.string(), network: z.string(), until: z.iso.datetime() }));

/** The networks of users as a file keeps them. */
export function writeKnown(known: readonly Acquaintance[], now: Date): string {
  return JSON.stringify(
    known.map(({ attempt: { username, address = '' }, leftMs }) => ({
      username,
      network: loginNetworkOf(address),
      until: new Date(now.getTime() + leftMs).toISOString(),
    })),
  );
}

/** Reads such a file. What has ended, and what is no such file, is forgotten. */
export function readKnown(text: string | undefined, now: Date): readonly Acquaintance[] {
  const read = file.safeParse(parseJson(text ?? '[]'));
  if (!read.success) return [];
  return read.data.flatMap(({ username, network, until }) => {
    const [address = ''] = network.split('/');
    const leftMs = new Date(until).getTime() - now.getTime();
    return leftMs > 0 ? [{ attempt: { address, username }, leftMs }] : [];
  });
}

/** A torn file costs exemptions, and no more. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
