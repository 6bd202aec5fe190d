import { OperatorError } from '../../domain/failure.ts';
import type { Runtime } from '../../runtime.ts';
import {
  disableSmtpCredential,
  enableSmtpCredential,
  removeSmtpCredential,
  type SmtpCredential,
  updateSmtpBounds,
} from '../../store/smtp-credentials.ts';
import type { Plan, Step } from '../plan.ts';
import { boundsInWords, changedBounds, type WrittenBounds } from './bounds.ts';
import { planHold } from './hold.ts';
import { requireSmtpUser, type ShownUser, shownUser } from './show.ts';

/** A user after a change, and how many recipients of its waiting mail were held. */
export interface ChangedUser {
  readonly user: ShownUser;
  readonly held?: number;
}

/** Plans other bounds for a user. Throws `usage` when none is named or one is wrong. */
export async function planBounds(
  runtime: Runtime,
  username: string,
  written: WrittenBounds,
): Promise<Plan<ChangedUser>> {
  if (Object.values(written).every((value) => value === undefined)) throw nothingToSet();
  const before = await requireSmtpUser(await runtime.postgres(), username);
  const after = { ...before, ...changedBounds(before, written) };
  const step: Step = {
    do: 'query',
    what: `change ${username}: ${boundsInWords(after).join('; ')}`,
    run: async (world) => {
      if (!(await updateSmtpBounds(await world.postgres(), before.id, after))) throw gone(username);
    },
  };
  return planOn(before, `Change what bounds ${username}`, [step], after);
}

/** Plans to refuse a user's logins, and to hold what it has in the queue where that is wanted. */
export async function planDisabling(
  runtime: Runtime,
  username: string,
  { holdQueued }: { readonly holdQueued: boolean },
): Promise<Plan<ChangedUser>> {
  const db = await runtime.postgres();
  const before = await requireSmtpUser(db, username);
  const at = before.disabledAt ?? runtime.clock.now();
  const disable: Step = {
    do: 'query',
    what: `refuse ${username} at AUTH and MAIL, within SMTP_AUTH_CACHE_TTL everywhere${holdQueued ? ', and hold what relays still hand over of its mail' : ''}`,
    run: async (world) =>
      disableSmtpCredential(await world.postgres(), before.id, { at, holdsMail: holdQueued }),
  };
  const hold = holdQueued ? await planHold(db, before) : undefined;
  const holdsMail = before.holdsMail || holdQueued;
  const isDone = before.disabledAt !== undefined && before.holdsMail === holdsMail;
  const steps = [...(isDone ? [] : [disable]), ...(hold ? [hold.step] : [])];
  const title = `Disable the SMTP user ${username}`;
  const plan = planOn(before, title, steps, { ...before, disabledAt: at, holdsMail });
  return { ...plan, result: () => ({ ...plan.result(), ...(hold && { held: hold.held() }) }) };
}

/** Plans to let a disabled user log in again. What was held stays held. */
export async function planEnabling(runtime: Runtime, username: string): Promise<Plan<ChangedUser>> {
  const before = await requireSmtpUser(await runtime.postgres(), username);
  const enable: Step = {
    do: 'query',
    what: `let ${username} log in again`,
    run: async (world) => enableSmtpCredential(await world.postgres(), before.id),
  };
  const title = `Enable the SMTP user ${username}`;
  return planOn(before, title, before.disabledAt ? [enable] : [], {
    ...before,
    disabledAt: undefined,
    holdsMail: false,
  });
}

/** Plans to forget a user; its messages and their history stay. Asks first. */
export async function planRemoval(runtime: Runtime, username: string): Promise<Plan<ChangedUser>> {
  const before = await requireSmtpUser(await runtime.postgres(), username);
  const remove: Step = {
    do: 'query',
    what: `remove ${username} (${before.id}); mail it has sent stays`,
    run: async (world) => removeSmtpCredential(await world.postgres(), before.id),
  };
  const plan = planOn(before, `Remove the SMTP user ${username}`, [remove], before);
  return { ...plan, confirm: `Remove the SMTP user ${username}? Its password is lost for good.` };
}

/** The report of a dry run shows the user as it is; of a real one, as it has become. */
function planOn(
  before: SmtpCredential,
  title: string,
  steps: readonly Step[],
  after: SmtpCredential,
): Plan<ChangedUser> {
  let user = steps.length === 0 ? after : before;
  const settle = (step: Step): Step => ({
    ...step,
    run: async (world) => {
      await step.run(world);
      user = after;
    },
  });
  return { title, steps: steps.map(settle), result: () => ({ user: shownUser(user) }) };
}

function nothingToSet(): OperatorError {
  return new OperatorError('usage', 'nothing to set', {
    hint: 'Name one of --domain, --network, --rate, --daily-limit',
    field: 'flags',
  });
}

function gone(username: string): OperatorError {
  return new OperatorError('usage', `the SMTP user ${username} was removed in the meantime`, {
    hint: 'See who there is: mailctl smtp-users list',
    field: 'USERNAME',
  });
}
