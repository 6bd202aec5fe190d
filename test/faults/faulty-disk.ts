import { basename } from 'node:path';

import type { Disk, DiskFile } from '../../src/adapters/disk.ts';

/** Which calls fail: the one with this number, or it and all after it. */
export interface Fault {
  readonly code: 'EIO' | 'ENOSPC';
  readonly at: number;
  readonly lasts: boolean;
  /** A write that fails has written half of its octets first. */
  readonly isTorn: boolean;
}

export interface FaultyDisk {
  readonly disk: Disk;
  /** Every call so far, such as `sync 0000000001-….open`. */
  readonly calls: readonly string[];
  /** Files that were synced although a write or a sync of theirs had failed before: there must be none. */
  readonly lies: readonly string[];
}

/** A real disk of which chosen calls fail. */
export function faultyDisk(real: Disk, fault?: Fault): FaultyDisk {
  const calls: string[] = [];
  const lies: string[] = [];
  const fails = (what: string, path: string): boolean => {
    calls.push(`${what} ${basename(path)}`);
    const number = calls.length;
    return fault !== undefined && (fault.lasts ? number >= fault.at : number === fault.at);
  };
  const error = (what: string): Error =>
    Object.assign(new Error(`${fault?.code}: ${what}`), { code: fault?.code });
  const call =
    <A extends readonly [string, ...unknown[]], R>(what: string, run: (...args: A) => Promise<R>) =>
    async (...args: A): Promise<R> => {
      if (fails(what, args[0])) throw error(what);
      return run(...args);
    };

  const wrap = (path: string, file: DiskFile): DiskFile => {
    let isPoisoned = false;
    const append = async (parts: readonly Uint8Array[]): Promise<void> => {
      if (fails('append', path)) {
        isPoisoned = true;
        if (fault?.isTorn) await file.append(half(parts));
        throw error('append');
      }
      return file.append(parts);
    };
    const sync = async (): Promise<void> => {
      if (isPoisoned) lies.push(path);
      if (fails('sync', path)) {
        isPoisoned = true;
        throw error('sync');
      }
      return file.sync();
    };
    return {
      append,
      // What the system does in one call can fail before the octets are there and after.
      appendDurably: async (parts) => {
        await append(parts);
        await sync();
      },
      sync,
      writeAt: async (position, bytes) => {
        if (fails('writeAt', path)) throw error('writeAt');
        return file.writeAt(position, bytes);
      },
      readAt: async (position, length) => {
        if (fails('readAt', path)) throw error('readAt');
        return file.readAt(position, length);
      },
      close: async () => {
        await file.close();
        if (fails('close', path)) throw error('close');
      },
    };
  };
  const opening = (what: string, run: (path: string) => Promise<DiskFile>) =>
    call(what, async (path: string) => wrap(path, await run(path)));

  const disk: Disk = {
    makeDirectory: call('makeDirectory', real.makeDirectory),
    list: call('list', real.list),
    create: opening('create', real.create),
    open: opening('open', real.open),
    openForUpdate: opening('openForUpdate', real.openForUpdate),
    read: call('read', real.read),
    replace: call('replace', real.replace),
    rename: call('rename', real.rename),
    remove: call('remove', real.remove),
    syncDirectory: call('syncDirectory', real.syncDirectory),
    about: call('about', real.about),
    touch: call('touch', real.touch),
    freeBytes: call('freeBytes', real.freeBytes),
  };
  return { disk, calls, lies };
}

function half(parts: readonly Uint8Array[]): readonly Uint8Array[] {
  const whole = Buffer.concat(parts);
  return [whole.subarray(0, Math.floor(whole.length / 2))];
}
