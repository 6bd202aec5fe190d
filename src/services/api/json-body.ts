import { ApiProblem } from './problem.ts';

const utf8 = new TextDecoder('utf-8', { fatal: true });

/** Parses a JSON body (RFC 8259). Refuses what is empty, not UTF-8, nested deeper than `maxDepth`, or no JSON. */
export function parseJson(bytes: Uint8Array, maxDepth: number): unknown {
  if (bytes.length === 0) throw new ApiProblem('empty-body', 'The request needs a JSON body');
  const text = decode(bytes);
  if (depthOf(text, maxDepth) > maxDepth)
    throw new ApiProblem('too-deep', `Objects and arrays may be nested ${maxDepth} deep`);
  try {
    return JSON.parse(text) as unknown;
  } catch (cause) {
    throw new ApiProblem('invalid-json', describe(cause), { cause });
  }
}

function decode(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes);
  } catch (cause) {
    throw new ApiProblem('invalid-encoding', 'The body is not valid UTF-8', { cause });
  }
}

/** Stops counting as soon as it is too deep, so that a hostile body costs one look. */
function depthOf(text: string, enough: number): number {
  let depth = 0;
  let deepest = 0;
  let place = 0;
  while (place < text.length && deepest <= enough) {
    const letter = text.charCodeAt(place);
    if (letter === 0x22) place = endOfString(text, place);
    else if (letter === 0x7b || letter === 0x5b) deepest = Math.max(deepest, (depth += 1));
    else if (letter === 0x7d || letter === 0x5d) depth -= 1;
    place += 1;
  }
  return deepest;
}

function endOfString(text: string, start: number): number {
  let end = start;
  do {
    end = text.indexOf('"', end + 1);
    if (end < 0) return text.length;
  } while (isEscaped(text, end));
  return end;
}

function isEscaped(text: string, place: number): boolean {
  let before = place - 1;
  while (text.charCodeAt(before) === 0x5c) before -= 1;
  return (place - before) % 2 === 0;
}

/** Node's words quote what was sent, so they are not passed on. */
function describe(cause: unknown): string {
  const endsEarly = cause instanceof Error && /end of JSON|Unterminated/.test(cause.message);
  return endsEarly ? 'The body ends before its JSON does' : 'The body is no JSON';
}
