import { join, resolve } from 'node:path';

import type { Http } from '../../adapters/http.ts';
import type { WebhookInbox } from '../../adapters/webhook-inbox.ts';
import type { ConfigOf } from '../../config/environment.ts';
import { OperatorError } from '../../domain/failure.ts';
import { newId } from '../../domain/id.ts';
import { type Opened, openedThings } from '../../domain/opened.ts';
import { Secret } from '../../domain/secret.ts';
import type { Runtime } from '../../runtime.ts';
import { removeProbeAccess } from '../../store/probe-access.ts';
import { type Access, grantAccess } from './access.ts';
import type { Probe } from './check.ts';
import { type Mailbox, openMailbox } from './mailbox.ts';
import { isRouted, openRouteMailbox } from './route-mailbox.ts';

/** A probe that removes what it made when it is disposed. */
export type PreparedProbe = Probe & AsyncDisposable;

const rememberedWebhooks = 1000;

/** Makes ready all that the checks act on: an endpoint, a user, keys. Fails when PostgreSQL cannot be reached. */
export async function prepareProbe(runtime: Runtime, to: string | undefined): Promise<PreparedProbe> {
  const opened = openedThings();
  try {
    return await prepare(runtime, to, opened);
  } catch (error) {
    await opened[Symbol.asyncDispose]();
    throw error;
  }
}

async function prepare(runtime: Runtime, to: string | undefined, opened: Opened): Promise<PreparedProbe> {
  const config = await runtime.config('operator');
  const { clock, random } = runtime;
  const db = await runtime.postgres();
  const runId = newId('run', clock.now(), random.bytes(10));
  const prober = await runtime.prober();
  const inbox = opened.use(
    await prober.openWebhookInbox({ listen: config.E2E_WEBHOOK_LISTEN, keep: rememberedWebhooks }),
  );
  opened.defer(() => removeProbeAccess(db, runId));
  const access = await grantAccess(
    { db, clock, random },
    {
      runId,
      senderDomain: config.MAIL_DOMAIN,
      endpoint: endpointUrl(config, inbox),
      sealingKey: config.WEBHOOK_SEALING_KEY,
    },
  );
  const http = await runtime.http();
  return {
    ...(await surroundings(runtime, config, http, to)),
    ...(access satisfies Access),
    runId,
    config,
    clock,
    random,
    db,
    http,
    prober,
    inbox,
    found: {},
    [Symbol.asyncDispose]: () => opened[Symbol.asyncDispose](),
  };
}

type Surroundings = Pick<
  Probe,
  'smtp' | 'ca' | 'offersTls' | 'sender' | 'recipient' | 'mailbox' | 'signingKey'
>;

async function surroundings(
  runtime: Runtime,
  config: ConfigOf<'operator'>,
  http: Http,
  to?: string,
): Promise<Surroundings> {
  const { dir, files } = runtime;
  const recipient = recipientOf(config, to);
  const signingKey = await files.readOwn(join(dir, 'secrets/postal-signing.key'));
  return {
    smtp: { ...smtpAddress(config), timeoutMs: config.E2E_TIMEOUT },
    ca:
      config.E2E_SMTP_CA_FILE === undefined
        ? undefined
        : await files.readOwn(resolve(dir, config.E2E_SMTP_CA_FILE)),
    offersTls: config.RELAY_SUBMISSION_LISTEN !== undefined,
    sender: `mailctl-e2e@${config.MAIL_DOMAIN}`,
    recipient,
    mailbox: await mailboxOf(runtime, { config, http, recipient }),
    signingKey: signingKey === undefined ? undefined : new Secret(signingKey),
  };
}

/** Without an address of the operator's own, the one on the sending domain that Postal routes to the api. */
function recipientOf(
  { E2E_RECIPIENT, POSTAL_PROBE_NAME, MAIL_DOMAIN }: ConfigOf<'operator'>,
  to: string | undefined,
): string {
  return to ?? E2E_RECIPIENT ?? `${POSTAL_PROBE_NAME}@${MAIL_DOMAIN}`;
}

interface Addressed {
  readonly config: ConfigOf<'operator'>;
  readonly http: Http;
  readonly recipient: string;
}

async function mailboxOf(
  runtime: Runtime,
  { config, http, recipient }: Addressed,
): Promise<Mailbox | undefined> {
  if (isRouted(config, recipient)) return openRouteMailbox(await runtime.postgres(), await runtime.dns());
  const { E2E_MAILBOX_URL: url, E2E_TIMEOUT } = config;
  return url === undefined ? undefined : openMailbox(url, http, E2E_TIMEOUT);
}

function smtpAddress({ E2E_SMTP_ADDRESS, RELAY_HOSTNAME, ...listeners }: ConfigOf<'operator'>): {
  host: string;
  port: number;
} {
  if (E2E_SMTP_ADDRESS) return E2E_SMTP_ADDRESS;
  const listener = listeners.RELAY_SUBMISSION_LISTEN ?? listeners.RELAY_PRIVATE_LISTEN;
  if (listener) return { host: RELAY_HOSTNAME, port: listener.port };
  throw new OperatorError(
    'config-invalid',
    'the check speaks STARTTLS or plain SMTP, and both listeners are off',
    {
      hint: 'Set RELAY_SUBMISSION_LISTEN or RELAY_PRIVATE_LISTEN',
      field: 'RELAY_SUBMISSION_LISTEN',
    },
  );
}

function endpointUrl(
  { E2E_WEBHOOK_URL, E2E_WEBHOOK_LISTEN }: ConfigOf<'operator'>,
  inbox: WebhookInbox,
): string {
  return E2E_WEBHOOK_URL ?? `http://${E2E_WEBHOOK_LISTEN.host}:${inbox.port}`;
}
