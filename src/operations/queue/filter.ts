import { readDurationFlag } from '../../domain/duration-flag.ts';
import { OperatorError } from '../../domain/failure.ts';
import { type RecipientState, recipientStates } from '../../domain/message.ts';
import type { QueueFilter } from '../../store/queue-filter.ts';

/** Which messages an operator means, as it was typed. */
export interface WrittenFilter {
  readonly ids?: readonly string[];
  readonly domain?: string;
  readonly campaign?: string;
  readonly key?: string;
  readonly age?: string;
  readonly state?: string;
  /** Everything, said on purpose. */
  readonly all?: true;
}

/** The filter that was typed. Throws `usage` naming the flag that is wrong. */
export function readFilter({ ids = [], domain, campaign, key, age, state }: WrittenFilter): QueueFilter {
  return {
    ...(ids.length > 0 && { messageIds: ids }),
    ...(domain !== undefined && { domain }),
    ...(campaign !== undefined && { tag: campaign }),
    ...(key !== undefined && { credentialId: key }),
    ...(age !== undefined && { olderThanMs: readDurationFlag('--age', age, '30m or 2h') }),
    ...(state !== undefined && { state: readState(state) }),
  };
}

/** The same for an act: a filter that is empty by oversight is refused, `--all` is none. */
export function readActFilter(written: WrittenFilter): QueueFilter {
  const filter = readFilter(written);
  if (written.all || Object.keys(filter).length > 0) return filter;
  throw new OperatorError('usage', 'which messages are meant?', {
    hint: 'Name ids, or --domain, --campaign, --key, --age, --state; --all means every one',
    field: '--all',
  });
}

function readState(text: string): RecipientState {
  const state = (Object.keys(recipientStates) as RecipientState[]).find((known) => known === text);
  if (state) return state;
  throw new OperatorError('usage', `--state: "${text}" is no state`, {
    hint: `States: ${Object.keys(recipientStates).join(', ')}`,
    field: '--state',
  });
}
