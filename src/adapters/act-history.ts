import { createReadStream } from 'node:fs';
import { appendFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';

/** One act that was carried out, wholly or until it failed. */
export interface PastAct {
  /** When it began, RFC 3339. */
  readonly at: string;
  readonly who: string;
  /** The command line without what may be secret. */
  readonly command: string;
  /** `done`, the code of the failure, or `killed`. */
  readonly result: string;
}

/** The acts of an operator's folder, one JSON object a line. */
export interface ActHistory {
  append(act: PastAct): Promise<void>;
  /** Every act, oldest first; a line that a crash tore is left out. Nothing where there is no history. */
  read(): AsyncIterable<PastAct>;
}

/** The history in the file at `path`. */
export function openActHistory(path: string): ActHistory {
  return {
    append: (act) => appendFile(path, `${JSON.stringify(act)}\n`, { mode: 0o600, flush: true }),
    read: () => readActs(path),
  };
}

async function* readActs(path: string): AsyncIterable<PastAct> {
  try {
    for await (const line of createInterface(createReadStream(path))) {
      const act = parseAct(line);
      if (act) yield act;
    }
  } catch (cause) {
    if (!(cause instanceof Error && 'code' in cause && cause.code === 'ENOENT')) throw cause;
  }
}

const texts = ['at', 'who', 'command', 'result'] as const;

function parseAct(line: string): PastAct | undefined {
  try {
    const read: unknown = JSON.parse(line);
    if (typeof read !== 'object' || read === null) return undefined;
    const whole = texts.every((name) => typeof Reflect.get(read, name) === 'string');
    return whole ? (read as PastAct) : undefined;
  } catch {
    return undefined;
  }
}
