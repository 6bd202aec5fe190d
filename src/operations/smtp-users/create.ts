import type { ConfigOf } from '../../config/environment.ts';
import { OperatorError } from '../../domain/failure.ts';
import type { Secret } from '../../domain/secret.ts';
import type { Runtime } from '../../runtime.ts';
import { findSmtpCredential, type SmtpBounds } from '../../store/smtp-credentials.ts';
import { createSmtpUser } from '../../upkeep/access.ts';
import type { Plan } from '../plan.ts';
import { boundsInWords, changedBounds, unbounded, type WrittenBounds } from './bounds.ts';
import { requireSmtpUser, type ShownUser, shownUser } from './show.ts';

/** A user that was made. Without `password` nothing was made yet. */
export interface CreatedUser {
  readonly user: ShownUser | null;
  /** Shown this once, in clear. */
  readonly password?: string;
  /** A command that sends a first message; it asks for the password, so that no process list shows it. */
  readonly try: string;
}

/** Plans a new SMTP user. Throws `usage` for a name that is taken or cannot be, and for wrong bounds. */
export async function planSmtpUser(
  runtime: Runtime,
  username: string,
  written: WrittenBounds,
): Promise<Plan<CreatedUser>> {
  const bounds = changedBounds(unbounded, written);
  checkUsername(username);
  const config = await runtime.config('operator');
  if (await findSmtpCredential(await runtime.postgres(), username)) throw taken(username);
  const made: { user?: ShownUser; password?: Secret } = {};
  return {
    title: `Create the SMTP user ${username}`,
    steps: [
      {
        do: 'query',
        what: `store ${username} with the digest of a random password: ${boundsInWords(bounds).join('; ')}`,
        run: async (world) => {
          Object.assign(made, await makeUser(world, username, bounds));
        },
      },
    ],
    result: () => ({
      user: made.user ?? null,
      ...(made.password && { password: made.password.reveal() }),
      try: swaksLine(config, username, bounds),
    }),
  };
}

async function makeUser(
  world: Runtime,
  username: string,
  bounds: SmtpBounds,
): Promise<{ readonly user: ShownUser; readonly password: Secret }> {
  const db = await world.postgres();
  const password = await createSmtpUser({ ...world, db }, { username, ...bounds });
  if (!password) throw taken(username);
  return { password, user: shownUser(await requireSmtpUser(db, username)) };
}

/** Safe in a shell, a URL and a log line. */
function checkUsername(username: string): void {
  if (/^[A-Za-z0-9][\w.@+-]{0,127}$/.test(username)) return;
  throw new OperatorError('usage', `USERNAME cannot be "${username}"`, {
    hint: 'Use up to 128 letters, digits and . _ @ + -, beginning with a letter or digit',
    field: 'USERNAME',
  });
}

function taken(username: string): OperatorError {
  return new OperatorError('usage', `there is an SMTP user ${username} already; nothing was changed`, {
    hint: `Choose another name, or change that one: mailctl smtp-users set ${username}`,
    field: 'USERNAME',
  });
}

function swaksLine(config: ConfigOf<'operator'>, username: string, { senderDomains }: SmtpBounds): string {
  const { E2E_SMTP_ADDRESS, RELAY_HOSTNAME, RELAY_SUBMISSION_LISTEN, RELAY_TLS_LISTEN, ...rest } = config;
  const entrances = [
    { listen: E2E_SMTP_ADDRESS ?? RELAY_SUBMISSION_LISTEN, tls: '--tls ' },
    { listen: RELAY_TLS_LISTEN, tls: '--tls-on-connect ' },
    { listen: rest.RELAY_PRIVATE_LISTEN, tls: '' },
  ];
  const { listen, tls } = entrances.find((entrance) => entrance.listen) ?? { listen: undefined, tls: '' };
  const host = E2E_SMTP_ADDRESS?.host ?? RELAY_HOSTNAME;
  const from = `postmaster@${senderDomains[0] ?? rest.MAIL_DOMAIN}`;
  return `swaks --server ${host} --port ${listen?.port ?? 587} ${tls}--auth PLAIN --auth-user ${username} --from ${from} --to ${rest.ADMIN_EMAIL}`;
}
