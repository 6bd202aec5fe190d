import type { Sending } from '../../store/sending.ts';
import type {
  TracedDelivery,
  TracedEvent,
  TracedMessage,
  TracedRecipient,
  UnreadWebhook,
} from '../../store/trace.ts';

/** Everything that is known of one message when somebody asks where it is. */
export interface Scene {
  readonly message: TracedMessage;
  /** Those that were asked for: one where an address was named, else all. */
  readonly recipients: readonly TracedRecipient[];
  readonly events: readonly TracedEvent[];
  readonly unread: readonly UnreadWebhook[];
  readonly deliveries: readonly TracedDelivery[];
  readonly sending: Sending | undefined;
  readonly now: Date;
  /** How long a hop may take before it counts as stuck. */
  readonly patienceMs: number;
}
