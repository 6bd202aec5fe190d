import type { MessageFilter } from '../../src/store/message-views.ts';

/** A filter that every message passes. */
export const anything: MessageFilter = {
  state: undefined,
  recipient: undefined,
  tag: undefined,
  headerMessageId: undefined,
  since: undefined,
  until: undefined,
};
