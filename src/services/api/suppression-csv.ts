import type { Suppression } from '../../domain/suppression.ts';
import { readSuppressionList } from '../../domain/suppression-list.ts';
import { ApiProblem } from './problem.ts';

const utf8 = new TextDecoder('utf-8', { fatal: true });

/** Reads a list as it was sent. Refuses it whole, naming the record. */
export function readSuppressions(octets: Uint8Array): readonly Suppression[] {
  const read = readSuppressionList(decoded(octets));
  if (read.ok) return read.suppressions;
  throw new ApiProblem('invalid-field', `Record ${read.record}: ${read.why}; nothing was imported`, {
    field: `record ${read.record}`,
  });
}

function decoded(octets: Uint8Array): string {
  try {
    return utf8.decode(octets);
  } catch (cause) {
    throw new ApiProblem('invalid-encoding', 'The list is not valid UTF-8', { cause });
  }
}
