import type { Ledger } from '../../src/postal-stand-in/options.ts';
import { rubyJson } from '../../src/postal-stand-in/ruby-json.ts';
import type { StoredWebhook } from '../../src/postal-stand-in/webhook-request.ts';

type Value = string | number | null | Buffer;

/** Speaks to Postal's databases from its main one. */
export type Run = (text: string, values?: readonly Value[]) => Promise<readonly Record<string, unknown>[]>;

interface Place {
  readonly run: Run;
  /** Name of the mail server's database. */
  readonly messages: string;
  readonly serverId: number;
  /** Of the senders whose mail an earlier process left. */
  readonly domain?: string;
}

/** Writes each row of one mail server as Postal does, in its order, and brings back what an earlier process left. */
export function postalLedger(place: Place): Ledger {
  return { ...mailLedger(place), ...happeningLedger(place), ...webhookLedger(place) };
}

type MailLedger = Pick<Ledger, 'load' | 'messageStored' | 'queued' | 'delivered'>;

function mailLedger({ run, messages, serverId, domain = 'acme.test' }: Place): MailLedger {
  const table = (name: string) => `\`${messages}\`.\`${name}\``;
  return {
    load: async () => {
      const rows = await run(
        `select m.id, m.token, m.rcpt_to, m.mail_from, m.subject, m.message_id, m.timestamp, q.id as queued, r.data
         from ${table('messages')} m
         left join queued_messages q on q.message_id = m.id and q.server_id = ${serverId}
         left join ${table('raw-stand-in')} r on r.id = m.raw_body_id and q.id is not null
         where m.scope = 'outgoing' order by m.id`,
      );
      return rows.map((row) => ({
        id: Number(row['id']),
        token: String(row['token']),
        direction: 'outgoing' as const,
        rcptTo: String(row['rcpt_to']),
        mailFrom: String(row['mail_from']),
        subject: row['subject'] === null ? null : String(row['subject']),
        messageId: row['message_id'] === null ? null : String(row['message_id']),
        timestamp: Number(row['timestamp']),
        bounce: false,
        domain,
        raw: Buffer.isBuffer(row['data']) ? row['data'] : Buffer.alloc(0),
        queued: row['queued'] !== null,
      }));
    },
    messageStored: async (row) => {
      await run(`insert into ${table('raw-stand-in')} (id, data) values (?, ?)`, [row.id, row.raw]);
      await run(
        `insert into ${table('messages')} (id, token, scope, rcpt_to, mail_from, subject, message_id, timestamp, status, raw_table, raw_body_id)
         values (?, ?, 'outgoing', ?, ?, ?, ?, ?, ?, 'raw-stand-in', ?)`,
        [
          row.id,
          row.token,
          row.rcptTo,
          row.mailFrom,
          row.subject,
          row.messageId,
          row.timestamp,
          row.status,
          row.id,
        ],
      );
    },
    queued: async ({ id }) => {
      await run(
        'insert into queued_messages (server_id, message_id, created_at) values (?, ?, utc_timestamp(6))',
        [serverId, id],
      );
    },
    delivered: async ({ id, status, queued, held }, delivery) => {
      await run(
        `insert into ${table('deliveries')} (message_id, status, details, output, sent_with_ssl, timestamp, time) values (?, ?, ?, ?, ?, ?, ?)`,
        [
          id,
          status,
          delivery.details,
          delivery.output,
          withSsl(delivery.sentWithSsl),
          delivery.timestamp,
          delivery.time,
        ],
      );
      await run(
        `update ${table('messages')} set status = ?, held = ?, last_delivery_attempt = ? where id = ?`,
        [status, held ? 1 : 0, delivery.timestamp, id],
      );
      if (!queued) await run('delete from queued_messages where message_id = ?', [id]);
    },
  };
}

function withSsl(sent: boolean | null): number | null {
  return sent === null ? null : Number(sent);
}

function happeningLedger({ run, messages }: Place): Pick<Ledger, 'bounced' | 'visited'> {
  return {
    bounced: async ({ id }, bounce) => {
      const details = `We've received a bounce message for this e-mail. See <msg:${bounce.id}> for details.`;
      await run(
        `insert into \`${messages}\`.messages (id, token, scope, rcpt_to, mail_from, timestamp, status, bounce, bounce_for_id)
         values (?, ?, 'incoming', ?, '', ?, 'Processed', 1, ?)`,
        [bounce.id, bounce.token, bounce.rcptTo, bounce.timestamp, id],
      );
      await run(
        `insert into \`${messages}\`.deliveries (message_id, status, details, timestamp) values (?, 'Bounced', ?, ?)`,
        [id, details, bounce.timestamp],
      );
      await run(`update \`${messages}\`.messages set status = 'Bounced' where id = ?`, [id]);
    },
    visited: async ({ id }, { timestamp, ipAddress, userAgent }, link) => {
      const visitor = [id, ipAddress, userAgent, timestamp];
      if (!link) {
        await run(
          `insert into \`${messages}\`.loads (message_id, ip_address, user_agent, timestamp) values (?, ?, ?, ?)`,
          visitor,
        );
        return;
      }
      await run(`insert into \`${messages}\`.links (message_id, token, url, timestamp) values (?, ?, ?, ?)`, [
        id,
        link.token,
        link.url,
        timestamp,
      ]);
      await run(
        `insert into \`${messages}\`.clicks (link_id, message_id, ip_address, user_agent, timestamp)
         select max(id), ?, ?, ?, ? from \`${messages}\`.links`,
        visitor,
      );
    },
  };
}

type WebhookLedger = Pick<Ledger, 'loadWebhooks' | 'webhookQueued' | 'webhookTried'>;

function webhookLedger({ run, messages, serverId }: Place): WebhookLedger {
  const waiting = `\`${messages}\`.\`webhooks-stand-in\``;
  return {
    loadWebhooks: async () =>
      (await run(`select uuid, event, url, body, created_at, attempts from ${waiting}`)).map(storedWebhook),
    webhookQueued: async ({ event, uuid, url, body, payload, createdAt }) => {
      await run(`insert into ${waiting} (uuid, event, url, body, created_at) values (?, ?, ?, ?, ?)`, [
        uuid,
        event,
        url,
        body,
        createdAt,
      ]);
      await run(
        `insert into webhook_requests (server_id, webhook_id, url, event, uuid, payload, created_at)
         values (?, 1, ?, ?, ?, ?, from_unixtime(?))`,
        [serverId, url, event, uuid, yaml(JSON.parse(rubyJson(payload))), createdAt],
      );
    },
    webhookTried: async ({ event, uuid, url, payload }, attempt) => {
      if (event === 'InboundMail') return;
      await run(
        `insert into \`${messages}\`.webhook_requests (event, url, webhook_id, attempt, timestamp, payload, uuid, status_code, body, will_retry)
         values (?, ?, 1, ?, ?, ?, ?, ?, '', ?)`,
        [
          event,
          url,
          attempt.attempt,
          attempt.timestamp,
          rubyJson(payload),
          uuid,
          attempt.status_code,
          attempt.will_retry ? 1 : 0,
        ],
      );
      await run(
        attempt.will_retry
          ? `update ${waiting} set attempts = attempts + 1 where uuid = ?`
          : `delete from ${waiting} where uuid = ?`,
        [uuid],
      );
      if (!attempt.will_retry) await run('delete from webhook_requests where uuid = ?', [uuid]);
      else await run('update webhook_requests set attempts = ? where uuid = ?', [attempt.attempt, uuid]);
    },
  };
}

function storedWebhook(row: Record<string, unknown>): StoredWebhook {
  const body = Buffer.isBuffer(row['body']) ? row['body'] : Buffer.alloc(0);
  return {
    uuid: String(row['uuid']),
    event: String(row['event']),
    url: String(row['url']),
    body,
    payload: JSON.parse(body.toString('utf8')).payload,
    createdAt: Number(row['created_at']),
    attempts: Number(row['attempts']),
  };
}

/** A hash with symbols for keys as Ruby's Psych writes it into the queue. */
function yaml(value: Readonly<Record<string, unknown>>, indent = ''): string {
  const lines = Object.entries(value).map(([key, part]) =>
    typeof part === 'object' && part !== null
      ? `${indent}:${key}:\n${yaml(part as Record<string, unknown>, `${indent}  `)}`
      : `${indent}:${key}: ${part === null ? '' : JSON.stringify(part).replace(/^"([A-Za-z]\w*)"$/, '$1')}`,
  );
  return (indent === '' ? '---\n' : '') + lines.join('\n');
}
