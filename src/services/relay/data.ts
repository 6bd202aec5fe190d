const cr = 13;
const lf = 10;
const dot = 46;
const nothing = Buffer.alloc(0);

/** How the octets of a message ended. Everything but `complete` is a message that is not kept. */
export type DataEnd = 'complete' | 'too-big' | 'long-line' | 'nul' | 'no-room';

/** Where the octets of a message go, dots unstuffed, in slices of what arrived. */
export type DataSink = (octets: Buffer) => void;

export interface DataLimits {
  readonly maxMessageBytes: number;
  readonly maxLineBytes: number;
}

/** What one piece of the stream brought. After `end` and `bare` the rest belongs to nobody here. */
export type DataStep =
  | { readonly state: 'more' }
  | { readonly state: 'end'; readonly end: DataEnd; readonly rest: Buffer }
  | { readonly state: 'bare' };

/** Reads the pieces of one message in the order of arrival. */
export type DataReader = (piece: Buffer) => DataStep;

interface Progress {
  /** Octets whose meaning the next piece decides: `.`, `.CR` at a line's start, or a CR. */
  held: Buffer;
  inLine: boolean;
  lineBytes: number;
  bytes: number;
  longLine: boolean;
  nul: boolean;
}

/**
 * Reads what follows DATA (RFC 5321 §4.1.1.4, §4.5.2). Only CRLF ends a line and only CRLF.CRLF ends the message; a CR or
 * LF on its own is `bare` at once, wherever it stands, which leaves nothing to smuggle. Where the stream is cut into pieces
 * makes no difference.
 */
export function readData(limits: DataLimits, sink: DataSink): DataReader {
  const progress: Progress = {
    held: nothing,
    inLine: false,
    lineBytes: 0,
    bytes: 0,
    longLine: false,
    nul: false,
  };
  return (piece) => {
    const octets = progress.held.length > 0 ? Buffer.concat([progress.held, piece]) : piece;
    progress.held = nothing;
    return scan(octets, progress, { limits, sink });
  };
}

interface Bounds {
  readonly limits: DataLimits;
  readonly sink: DataSink;
}

function scan(octets: Buffer, progress: Progress, bounds: Bounds): DataStep {
  let kept = 0;
  let at = 0;
  while (at < octets.length) {
    if (!progress.inLine && octets[at] === dot) {
      const meaning = meaningOfDot(octets, at);
      keep(octets.subarray(kept, at), progress, bounds);
      if (meaning === 'end') return ended(octets.subarray(at + 3), progress, bounds.limits);
      if (meaning === 'undecided') return hold(octets.subarray(at), progress);
      kept = at + 1;
      at = kept;
      progress.inLine = true;
    }
    const next = endOfLine(octets, at);
    if (next === 'bare') return { state: 'bare' };
    if (next === 'open') return leaveOpen(octets, { kept, at }, progress, bounds);
    endLine(next - at, progress, bounds.limits);
    at = next;
  }
  keep(octets.subarray(kept), progress, bounds);
  return { state: 'more' };
}

function meaningOfDot(octets: Buffer, at: number): 'end' | 'undecided' | 'stuffing' {
  const left = octets.length - at;
  if (left === 1 || (left === 2 && octets[at + 1] === cr)) return 'undecided';
  return octets[at + 1] === cr && octets[at + 2] === lf ? 'end' : 'stuffing';
}

/** The index after the CRLF that ends the line, `open` when this piece does not reach it. */
function endOfLine(octets: Buffer, at: number): number | 'open' | 'bare' {
  const lineFeed = octets.indexOf(lf, at);
  const carriage = octets.indexOf(cr, at);
  if (carriage < 0) return lineFeed < 0 ? 'open' : 'bare';
  if (lineFeed === carriage + 1) return lineFeed + 1;
  return lineFeed < 0 && carriage === octets.length - 1 ? 'open' : 'bare';
}

function leaveOpen(
  octets: Buffer,
  { kept, at }: { readonly kept: number; readonly at: number },
  progress: Progress,
  bounds: Bounds,
): DataStep {
  const end = octets[octets.length - 1] === cr ? octets.length - 1 : octets.length;
  keep(octets.subarray(kept, end), progress, bounds);
  progress.lineBytes += end - at;
  progress.inLine ||= end > at;
  return hold(octets.subarray(end), progress);
}

function hold(octets: Buffer, progress: Progress): DataStep {
  progress.held = Buffer.from(octets);
  return { state: 'more' };
}

function endLine(octets: number, progress: Progress, { maxLineBytes }: DataLimits): void {
  progress.longLine ||= progress.lineBytes + octets > maxLineBytes;
  progress.lineBytes = 0;
  progress.inLine = false;
}

function keep(octets: Buffer, progress: Progress, { limits, sink }: Bounds): void {
  if (octets.length === 0) return;
  progress.bytes += octets.length;
  progress.nul ||= octets.indexOf(0) >= 0;
  if (progress.bytes <= limits.maxMessageBytes) sink(octets);
}

function ended(rest: Buffer, { bytes, longLine, nul }: Progress, limits: DataLimits): DataStep {
  const end = endOf(bytes > limits.maxMessageBytes, longLine, nul);
  return { state: 'end', end, rest };
}

function endOf(isTooBig: boolean, longLine: boolean, nul: boolean): DataEnd {
  if (isTooBig) return 'too-big';
  if (longLine) return 'long-line';
  return nul ? 'nul' : 'complete';
}
