import type { KeyObject } from 'node:crypto';

import { comparable } from './api.ts';
import type { Control } from './control.ts';
import { type Delivering, openDelivery } from './delivery.ts';
import { openFaults } from './faults.ts';
import { rsaKey } from './keys.ts';
import { type MessageRow, openMessages } from './messages.ts';
import type { Office, Settings } from './office.ts';
import type { PostalOptions, PostalWorld } from './options.ts';
import { openPacer } from './pace.ts';
import { openRegistry, type Registry } from './registry.ts';
import { answerScript } from './runner.ts';
import { openSigner } from './signing.ts';
import { openStamps } from './stamps.ts';
import { startThreads, type Threads } from './threads.ts';
import { randomToken } from './tokens.ts';
import type { WebhookAttempt, WebhookRequest } from './webhook-request.ts';
import { sendWebhook, writeInbound, writeWebhook } from './webhooks.ts';

const deliveryThreads = 2;
const webhookThreads = 2;
const historyLength = 1000;
const megabyte = 1024 ** 2;

export interface Opened {
  readonly office: Office;
  readonly control: Control;
  idle(): Promise<void>;
}

interface Life {
  /** Known only once the server listens. */
  readonly site: { readonly url: string };
  readonly stop: AbortSignal;
}

/** Puts the mail server together; its web server comes after, because links need to know where that listens. */
export async function openOffice(options: PostalOptions, world: PostalWorld, life: Life): Promise<Opened> {
  const [signing, dkim] = await Promise.all([
    rsaKey(options.signingKey, 2048),
    rsaKey(options.dkim?.key, 1024),
  ]);
  const registry = await openRegistry(options.registry, world.random);
  const office: Office = {
    ...openParts(options, world, { stop: life.stop, registry }),
    signer: openSigner(signing),
    dkim: dkimIdentities(options, world, dkim),
    trackingBase: (domain) => trackingBase(options, registry, { domain, own: life.site.url }),
    enqueue: (row) => queues.deliveries.add(row),
    raise: async (event) => {
      const url = registry.webhookUrl() ?? options.webhook?.url;
      const request = url === undefined ? undefined : writeWebhook(office, url, event);
      if (!request) return;
      await world.ledger?.webhookQueued?.(request);
      queues.webhooks.add(request);
    },
    bring: (mail) => {
      const url = registry.endpointFor(mail.rcptTo) ?? options.inbound?.url;
      if (url !== undefined) queues.webhooks.add(writeInbound(office, url, mail));
    },
  };
  const queues = openQueues(office, options.webhook?.timeoutMs ?? 5000);
  await restore(office);
  for (const stored of (await world.ledger?.loadWebhooks?.()) ?? [])
    queues.webhooks.add({ ...stored, headers: office.signer.headers(stored.body), row: undefined });
  return { office, control: controlOf(office, queues), idle: () => becomeIdle(queues) };
}

interface Tracked {
  readonly domain: string;
  readonly own: string;
}

/** Links lead to the stand-in itself, to a given base, or to the domain's tracking host once its DNS was found in order. */
function trackingBase(
  { tracking }: PostalOptions,
  { held }: Registry,
  { domain, own }: Tracked,
): string | undefined {
  if (!tracking?.byDomain) return tracking && (tracking.baseUrl ?? own);
  const found = held.domains.find(({ name }) => name === domain);
  if (!found?.tracking || !found.checked) return undefined;
  return `${found.tracking.ssl ? 'https' : 'http'}://${found.tracking.name}.${domain}`;
}

interface Shared {
  readonly stop: AbortSignal;
  readonly registry: Registry;
}

function openParts(options: PostalOptions, world: PostalWorld, { stop, registry }: Shared) {
  const pace = { acceptPerSecond: 0, deliverPerSecond: 0, ...options.pace };
  const keep = { messages: 10_000, bytes: 256 * megabyte, ...options.keep };
  return {
    world,
    stop,
    registry,
    settings: settle(options, world, registry),
    messages: openMessages(keep, world.random),
    faults: openFaults(),
    pacer: openPacer(world.clock, pace, stop),
    stamp: openStamps(world.clock),
  };
}

function settle(options: PostalOptions, { random }: PostalWorld, registry: Registry): Settings {
  const apiKeys = options.apiKeys.map((key) => comparable(key.reveal()));
  const domains = options.domains.map((domain) => domain.toLowerCase());
  return {
    webHostname: options.webHostname.toLowerCase(),
    get apiKeys() {
      return [...apiKeys, ...registry.apiKeys().map(comparable)];
    },
    get domains() {
      return [...new Set([...domains, ...registry.domains()])];
    },
    serverToken: options.serverToken ?? randomToken(random, 6).toLowerCase(),
    trackWithoutProxy: options.tracking?.trackWithoutProxy ?? false,
    speed: options.speed ?? 1,
    maxBodyBytes: options.maxBodyBytes ?? 128 * megabyte,
  };
}

function dkimIdentities({ dkim }: PostalOptions, { random }: PostalWorld, key: KeyObject): Office['dkim'] {
  const selector = dkim?.selector ?? `postal-${randomToken(random, 6)}`;
  return (domain) => ({ domain, selector, key });
}

interface Queues {
  readonly delivery: Delivering;
  readonly deliveries: Threads<MessageRow>;
  readonly webhooks: Threads<WebhookRequest>;
  readonly history: WebhookAttempt[];
}

function openQueues(office: Office, timeoutMs: number): Queues {
  const threadWorld = { clock: office.world.clock, log: office.world.log, stop: office.stop };
  const history: WebhookAttempt[] = [];
  const delivery = openDelivery(office, (row, afterMs) => deliveries.addLater(row, afterMs));
  const deliver = async (row: MessageRow) => {
    await office.pacer.deliver();
    if (!office.stop.aborted) await delivery.attempt(row);
  };
  const deliveries = startThreads(deliveryThreads, deliver, threadWorld);
  const sender = {
    timeoutMs,
    stop: office.stop,
    retry: (request: WebhookRequest, afterMs: number) => webhooks.addLater(request, afterMs),
    remember: async (request: WebhookRequest, attempt: WebhookAttempt) => {
      await office.world.ledger?.webhookTried?.(request, attempt);
      history.push(attempt);
      if (history.length > historyLength) history.shift();
    },
  };
  const send = (request: WebhookRequest) => sendWebhook(office, request, sender);
  const webhooks = startThreads(webhookThreads, send, threadWorld);
  return { delivery, deliveries, webhooks, history };
}

function controlOf(office: Office, queues: Queues): Control {
  return {
    office,
    webhookHistory: () => queues.history,
    runScript: (script) =>
      answerScript(office, script, (text) => queues.webhooks.count(({ url }) => url.includes(text))),
    reset: () => {
      for (const part of [queues.deliveries, queues.webhooks, office.messages]) part.clear();
      for (const part of [office.faults, queues.delivery]) part.reset();
      queues.history.length = 0;
    },
  };
}

async function restore({ world, messages, enqueue }: Office): Promise<void> {
  for (const stored of (await world.ledger?.load?.()) ?? []) {
    const row = messages.restore(stored);
    if (row.queued) enqueue(row);
  }
}

async function becomeIdle({ deliveries, webhooks }: Queues): Promise<void> {
  await deliveries.idle();
  await webhooks.idle();
}
