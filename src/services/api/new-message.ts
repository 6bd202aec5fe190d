import { decodeWords } from '../../domain/encoded-word.ts';
import {
  editHeaderSection,
  headerValue,
  type HeaderField,
  readHeaderSection,
} from '../../domain/header-section.ts';
import { postalKeyFor } from '../../domain/postal-key.ts';
import { type Priority, priorityHeader, readPriority } from '../../domain/priority.ts';
import type { Submission } from '../../domain/submission.ts';
import { readUnsubscribeWish, unsubscribeHeader } from '../../domain/unsubscribe.ts';
import type { NewMessage } from '../../store/messages.ts';

const mostHeaderText = 998;

/** What a submission's sender said beside the message itself. */
export interface Beside {
  readonly metadata: Readonly<Record<string, string>>;
  readonly sendAt: Date | undefined;
  /** Goes before what its header says. */
  readonly priority?: Priority;
}

export const nothingBeside: Beside = { metadata: {}, sendAt: undefined };

/** A submission as it is stored: with its name at Postal, what its header says of itself, and without what is for us alone. */
export function newMessageOf(submission: Submission, beside: Beside): NewMessage {
  const fields = readHeaderSection(submission.raw);
  const tag = storable(headerValue(fields, 'x-postal-tag') ?? headerValue(fields, 'x-mailctl-tag'));
  const ordered = fields.filter(({ name }) => name === priorityHeader);
  return {
    submission: without(ordered, submission),
    ...beside,
    priority: beside.priority ?? readPriority(ordered[0]?.value ?? ''),
    postalKey: postalKeyFor(submission.id),
    headerMessageId: storable(headerValue(fields, 'message-id')?.replace(/^<(.*)>$/, '$1')),
    subject: storable(headerValue(fields, 'subject'), decodeWords),
    tag,
    unsubscribe: readUnsubscribeWish(headerValue(fields, unsubscribeHeader), tag),
  };
}

function without(leaveOut: readonly HeaderField[], submission: Submission): Submission {
  if (leaveOut.length === 0) return submission;
  return { ...submission, raw: editHeaderSection(submission.raw, { leaveOut, add: [] }) };
}

/** PostgreSQL knows no NUL, and nobody reads a subject of a megabyte. */
function storable(value: string | undefined, decode = (text: string): string => text): string | undefined {
  if (value === undefined || value === '') return undefined;
  return decode(value.slice(0, mostHeaderText)).replaceAll('\u0000', '');
}
