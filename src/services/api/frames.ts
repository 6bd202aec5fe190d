import type { Verdict } from '../../domain/submission.ts';
import { decodeSubmission } from '../../domain/submission-codec.ts';
import type { Submission } from '../../domain/submission.ts';
import { ApiProblem } from './problem.ts';

/** Cuts a batch apart: each frame is four octets of length, big-endian, and that many octets. Refuses broken framing whole. */
export function readFrames(body: Uint8Array): readonly Uint8Array[] {
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  const frames: Uint8Array[] = [];
  let start = 0;
  while (start < bytes.length) {
    const end = start + 4 <= bytes.length ? start + 4 + bytes.readUInt32BE(start) : Number.POSITIVE_INFINITY;
    if (end > bytes.length)
      throw new ApiProblem('invalid-frames', `The frame at octet ${start} is longer than the body`);
    frames.push(bytes.subarray(start + 4, end));
    start = end;
  }
  return frames;
}

/** One frame, decoded or refused. */
export type Frame = { readonly submission: Submission } | { readonly refused: RefusedFrame };

/** The id is `unknown` where it cannot be read. */
export type RefusedFrame = { readonly id: string; readonly verdict: 'refused'; readonly reason: string };

/** A verdict as it stands in the answer. */
export type FrameVerdict = Verdict | RefusedFrame;

/** Decodes one frame; what is unreadable, or what PostgreSQL could never store, is refused alone. */
export function readFrame(frame: Uint8Array): Frame {
  const decoded = decodeSubmission(frame);
  if (!decoded.ok) {
    return { refused: { id: decoded.id ?? 'unknown', verdict: 'refused', reason: decoded.reason } };
  }
  const { submission } = decoded;
  const reason = unstorable(submission);
  if (reason === undefined) return { submission };
  return { refused: { id: submission.id, verdict: 'refused', reason } };
}

function unstorable({ envelope, credentialId, client, raw }: Submission): string | undefined {
  if (envelope.rcptTo.length === 0) return 'the envelope has no recipient';
  if (raw.length === 0) return 'the message is empty';
  const texts = [envelope.mailFrom, ...envelope.rcptTo, credentialId, client.name, client.address];
  return texts.some((text) => text.includes('\u0000')) ? 'the envelope holds a NUL octet' : undefined;
}
