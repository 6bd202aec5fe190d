import type { LaneProblem } from '../../domain/delivery.ts';
import type { RecipientState } from '../../domain/message.ts';
import type { TracedRecipient } from '../../store/trace.ts';
import type { Stuck } from './report.ts';
import type { Scene } from './scene.ts';
import { stuckWebhook } from './stuck-webhook.ts';

type Look = (scene: Scene) => Stuck | undefined;

/** The first thing that is in the way, in the order in which it has to be cleared; null when it goes on by itself, or is done. */
export function stuckAt(scene: Scene): Stuck | null {
  const looks: readonly Look[] = [heldHere, waiting, neverTaken, heldAtPostal, stuckWebhook, putOff, silent];
  for (const look of looks) {
    const stuck = look(scene);
    if (stuck) return stuck;
  }
  return null;
}

function heldHere(scene: Scene): Stuck | undefined {
  const held = recipientsIn(scene, ['held']).filter(({ postalId }) => postalId === null);
  const [first] = held;
  if (!first) return undefined;
  const until = first.heldUntil ? `until ${first.heldUntil.toISOString()}` : 'until it is released';
  const why = `${whose(scene, held)}held ${until}: ${first.detail ?? 'no reason given'}`;
  return { hop: 'worker', why, command: `mailctl queue release ${scene.message.id}` };
}

function waiting(scene: Scene): Stuck | undefined {
  const { message, now } = scene;
  const open = recipientsIn(scene, ['queued', 'scheduled', 'sending', 'uncertain']);
  const isHeldByWorker = message.leaseUntil !== null && message.leaseUntil > now;
  const isScheduled = open.every(({ state }) => state === 'scheduled') && !isDue(scene);
  if (open.length === 0 || isHeldByWorker || isScheduled) return undefined;
  return paused(scene) ?? uncertain(scene) ?? blocked(scene) ?? retried(scene, open) ?? untaken(scene);
}

function paused({ sending, now }: Scene): Stuck | undefined {
  if (!sending?.pausedAt || (sending.pausedUntil && sending.pausedUntil <= now)) return undefined;
  const until = sending.pausedUntil ? ` until ${sending.pausedUntil.toISOString()}` : '';
  const reason = sending.pausedReason ?? 'no reason given';
  const why = `sending is paused since ${sending.pausedAt.toISOString()}${until}: ${reason}`;
  return { hop: 'worker', why, command: 'mailctl queue resume' };
}

function uncertain(scene: Scene): Stuck | undefined {
  const doubtful = recipientsIn(scene, ['uncertain', 'sending']);
  const [first] = doubtful;
  if (!first) return undefined;
  const reason = first.detail ?? 'the worker ended on the way';
  const why = `${whose(scene, doubtful)}a hand-over ended without a clear answer (${reason}), so Postal may have it or not; nothing is sent again before Postal was asked, next at ${written(scene.message.nextAttemptAt)}`;
  return { hop: 'postal', why, command: null };
}

const remedies: Readonly<Record<LaneProblem, string | null>> = {
  unreachable: 'mailctl config explain POSTAL_URL',
  'invalid-key': 'mailctl config explain POSTAL_API_KEY',
  'wrong-host': 'mailctl config explain POSTAL_HOSTNAME',
  'access-denied': null,
  suspended: null,
};

function blocked({ sending }: Scene): Stuck | undefined {
  if (!sending?.blockedProblem) return undefined;
  const { blockedProblem: problem, blockedReason: reason, blockedAt } = sending;
  const why = `nothing gets through to Postal since ${written(blockedAt)} (${problem}): ${reason ?? 'no reason given'}`;
  return { hop: 'postal', why, command: remedies[problem] };
}

function retried(scene: Scene, open: readonly TracedRecipient[]): Stuck | undefined {
  const { attempts, nextAttemptAt } = scene.message;
  const reason = open.find(({ detail }) => detail !== null)?.detail;
  if (attempts === 0 || !reason || isOverdue(scene, nextAttemptAt)) return undefined;
  const why = `Postal did not take it (${attempts} attempts): ${reason}; it is tried again at ${written(nextAttemptAt)}`;
  return { hop: 'postal', why, command: null };
}

function untaken(scene: Scene): Stuck | undefined {
  const { nextAttemptAt } = scene.message;
  if (!isOverdue(scene, nextAttemptAt)) return undefined;
  const why = `it is due since ${written(nextAttemptAt)} and no worker takes it`;
  return { hop: 'worker', why, command: 'mailctl e2e' };
}

function neverTaken(scene: Scene): Stuck | undefined {
  const failed = recipientsIn(scene, ['failed']).filter(({ postalId }) => postalId === null);
  const [first] = failed;
  if (!first) return undefined;
  const why = `${whose(scene, failed)}Postal never took it: ${first.detail ?? 'no reason given'}`;
  return { hop: 'postal', why, command: `mailctl queue retry ${scene.message.id}` };
}

function heldAtPostal(scene: Scene): Stuck | undefined {
  const held = recipientsIn(scene, ['held']);
  const [first] = held;
  if (!first) return undefined;
  const why = `${whose(scene, held)}Postal holds it as message ${first.postalId} and does not go on by itself: ${first.detail ?? 'no reason given'}; release it in Postal's web interface`;
  return { hop: 'postal', why, command: null };
}

function putOff(scene: Scene): Stuck | undefined {
  const delayed = recipientsIn(scene, ['delayed']);
  const [first] = delayed;
  if (!first) return undefined;
  const why = `${whose(scene, delayed)}the recipient's server put it off: ${first.detail ?? 'no reason given'}; Postal tries again by itself`;
  return { hop: 'mailbox', why, command: null };
}

function silent(scene: Scene): Stuck | undefined {
  const accepted = recipientsIn(scene, ['accepted']).filter(({ changedAt }) => isOverdue(scene, changedAt));
  const [first] = accepted;
  if (!first) return undefined;
  const why = `${whose(scene, accepted)}Postal took it as message ${first.postalId} at ${written(first.changedAt)} and has not reported since: look at its queue, and whether its webhooks arrive`;
  return { hop: 'postal', why, command: 'mailctl e2e' };
}

function recipientsIn({ recipients }: Scene, states: readonly RecipientState[]): readonly TracedRecipient[] {
  return recipients.filter(({ state }) => states.includes(state));
}

/** Says how many are meant, where it is not the only one. */
function whose({ recipients }: Scene, meant: readonly unknown[]): string {
  return recipients.length === 1 ? '' : `${meant.length} of ${recipients.length} recipients: `;
}

function isDue({ message: { nextAttemptAt }, now }: Scene): boolean {
  return nextAttemptAt !== null && nextAttemptAt <= now;
}

function isOverdue({ now, patienceMs }: Scene, since: Date | null): boolean {
  return since !== null && now.getTime() - since.getTime() > patienceMs;
}

function written(time: Date | null): string {
  return time?.toISOString() ?? 'a time that is not known';
}
