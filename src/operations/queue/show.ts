import type { Database } from '../../adapters/postgres.ts';
import { OperatorError } from '../../domain/failure.ts';
import { listQueue, type QueuedMessage, showQueued } from '../../store/queue-list.ts';
import { readFilter, type WrittenFilter } from './filter.ts';

/** A message of the queue in the form of the report. Times are ISO 8601. */
export interface ShownMessage {
  readonly id: string;
  readonly state: string;
  readonly received_at: string;
  readonly next_attempt_at: string | null;
  readonly attempts: number;
  readonly credential_id: string;
  readonly mail_from: string;
  readonly subject: string | null;
  readonly campaign: string | null;
  readonly priority: string;
  readonly size_bytes: number;
  readonly recipients: readonly {
    readonly address: string;
    readonly state: string;
    readonly detail: string | null;
    readonly held_until: string | null;
  }[];
}

export interface ShownQueue {
  readonly messages: readonly ShownMessage[];
  /** For `--cursor`; null on the last page. */
  readonly next_cursor: string | null;
}

interface Page {
  readonly limit: number;
  readonly cursor: string | undefined;
}

/** Messages that still need something, oldest first. */
export async function showQueue(
  db: Database,
  written: WrittenFilter,
  { limit, cursor }: Page,
): Promise<ShownQueue> {
  const found = await listQueue(db, readFilter(written), { limit: limit + 1, after: cursor });
  const messages = found.slice(0, limit).map(shown);
  return { messages, next_cursor: found.length > limit ? (messages.at(-1)?.id ?? null) : null };
}

/** One message with all its recipients. Throws `usage` when there is none of this id. */
export async function showMessage(db: Database, id: string): Promise<{ readonly message: ShownMessage }> {
  const message = await showQueued(db, id);
  if (message) return { message: shown(message) };
  throw new OperatorError('usage', `there is no message ${id}`, {
    hint: 'See what is queued: mailctl queue list',
    field: 'id',
  });
}

function shown(message: QueuedMessage): ShownMessage {
  return {
    id: message.id,
    state: message.state,
    received_at: message.receivedAt.toISOString(),
    next_attempt_at: message.nextAttemptAt?.toISOString() ?? null,
    attempts: message.attempts,
    credential_id: message.credentialId,
    mail_from: message.mailFrom,
    subject: message.subject,
    campaign: message.tag,
    priority: message.priority,
    size_bytes: message.sizeBytes,
    recipients: message.recipients.map(({ address, state, detail, heldUntil }) => ({
      address,
      state,
      detail,
      held_until: heldUntil,
    })),
  };
}
