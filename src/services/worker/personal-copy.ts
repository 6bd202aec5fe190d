import type { ConfigOf } from '../../config/environment.ts';
import { unsubscribeUrl, withUnsubscribeLink } from '../../domain/unsubscribe.ts';
import type { ClaimedMessage } from '../../store/claim.ts';
import type { Room } from './room.ts';

/** What making a copy for one recipient needs. */
export interface CopyRoom extends Pick<Room, 'random'> {
  readonly config: Pick<ConfigOf<'worker'>, 'API_URL' | 'UNSUBSCRIBE_KEY' | 'POSTAL_RECIPIENTS_PER_CALL'>;
}

/** Recipients that one hand-over of this message may name: where copies differ, each goes alone. */
export function recipientsPerCall({ config }: CopyRoom, { unsubscribe }: ClaimedMessage): number {
  return unsubscribe === null ? config.POSTAL_RECIPIENTS_PER_CALL : 1;
}

/** The octets that go to this recipient. */
export function copyFor(
  { config, random }: CopyRoom,
  { id, unsubscribe, tag }: ClaimedMessage,
  { address, raw }: { readonly address: string; readonly raw: Buffer },
): Buffer {
  if (unsubscribe === null) return raw;
  const scope = unsubscribe === 'tag' ? (tag ?? '') : '';
  const made = { base: config.API_URL, key: config.UNSUBSCRIBE_KEY, random };
  return Buffer.from(withUnsubscribeLink(raw, unsubscribeUrl({ messageId: id, address, scope }, made)));
}
