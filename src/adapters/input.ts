import { readFile } from 'node:fs/promises';
import { buffer } from 'node:stream/consumers';

import { OperatorError } from '../domain/failure.ts';

/** The UTF-8 text of a file, or of stdin where the path is `-`. Throws `usage` when it cannot be read or is no text. */
export async function readInput(path: string): Promise<string> {
  const octets = await (path === '-' ? buffer(process.stdin) : readFile(path)).catch((cause: unknown) => {
    const why = cause instanceof Error && 'code' in cause ? ` (${String(cause.code)})` : '';
    throw unreadable(`cannot read ${path}${why}`, 'Name a file that you may read, or - for stdin', cause);
  });
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(octets);
  } catch (cause) {
    throw unreadable(`${path} is no UTF-8 text`, 'Save it as UTF-8', cause);
  }
}

function unreadable(message: string, hint: string, cause: unknown): OperatorError {
  return new OperatorError('usage', `${message}; nothing was changed`, { hint, field: 'file', cause });
}
