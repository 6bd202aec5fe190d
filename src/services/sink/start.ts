import { startHealth } from '../health.ts';
import { counter, openMetrics } from '../metrics.ts';
import type { Running } from '../running.ts';
import { startDns } from './dns-server.ts';
import { startMailbox } from './mailbox-server.ts';
import { openSinkMailbox } from './mailbox.ts';
import type { SinkConfig, SinkWorld } from './room.ts';
import { startSinkSmtp } from './smtp-server.ts';
import { answerFrom, openRecords } from './zone.ts';

/** Starts what stands in for the outside world: a mail server for everybody, a DNS server, and a mailbox to look into. */
export async function startSink(config: SinkConfig, world: SinkWorld): Promise<Running> {
  const running: Running[] = [];
  const stop = async () => {
    for (let part = running.pop(); part; part = running.pop()) await part.stop();
  };
  try {
    const records = await openRecords(config.SINK_RECORDS_FILE, world.log);
    for (const start of parts(config, world, records)) running.push(await start());
  } catch (error) {
    await stop();
    throw error;
  }
  return { addresses: Object.assign({}, ...running.map(({ addresses }) => addresses)), stop };
}

function parts(
  config: SinkConfig,
  { clock }: SinkWorld,
  records: Awaited<ReturnType<typeof openRecords>>,
): readonly (() => Promise<Running>)[] {
  const metrics = openMetrics('sink');
  const taken = counter(metrics, {
    name: 'mailctl_sink_messages_total',
    help: 'Messages taken, once for each recipient',
    labels: [],
  });
  const mailbox = openSinkMailbox({ messages: config.SINK_KEEP_MESSAGES, bytes: config.SINK_KEEP_BYTES });
  const idleMs = config.SINK_IDLE_TIMEOUT;
  const dns = {
    listen: config.SINK_DNS_LISTEN,
    ttlSeconds: Math.round(config.SINK_DNS_TTL / 1000),
    idleMs,
    answer: async (question: Parameters<typeof answerFrom>[2]) =>
      answerFrom(await records(), config.SINK_ADDRESS, question),
  };
  const smtp = {
    listen: config.SINK_SMTP_LISTEN,
    mostBytes: config.SINK_MAX_MESSAGE_BYTES,
    mostConnections: config.SINK_MAX_CONNECTIONS,
    idleMs,
    take: (mail: Parameters<typeof mailbox.put>[0]) => {
      mailbox.put(mail, clock.now());
      taken.inc(mail.to.length);
    },
  };
  const keys = async () =>
    (await records()).filter(({ type, name }) => type === 'TXT' && name.includes('._domainkey.'));
  const health = { service: 'sink', listen: config.SINK_HEALTH_LISTEN, metrics };
  return [
    () => startDns(dns),
    () => startSinkSmtp(smtp),
    () => startMailbox({ listen: config.SINK_HTTP_LISTEN, mailbox, keys }),
    () => startHealth({ ...health, live: { listening }, ready: { listening } }),
  ];
}

/** It has no health of its own before everything else listens. */
async function listening(): Promise<{ readonly ok: true }> {
  return { ok: true };
}
