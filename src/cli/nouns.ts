import type { Define } from './command.ts';

/** One word after `mailctl`. Its file is imported only when the word is used. */
export interface Noun {
  readonly name: string;
  readonly summary: string;
  readonly group: string;
  readonly hidden?: true;
  load(): Promise<Define>;
}

const everyDay = 'Every day:';
const mail = 'Mail:';
const access = 'Access:';
const backupAndTime = 'Backup and time:';
const postal = 'Postal, DNS, TLS:';
const host = 'Host:';
const services = 'Services:';
const other = 'Other:';

/** The command tree's first level, in the order of `mailctl --help`. */
export const nouns: readonly Noun[] = [
  {
    name: 'init',
    summary: 'write the configuration: .env with random secrets, keys, folders',
    group: everyDay,
    load: async () => (await import('./commands/init.ts')).defineInit,
  },
  {
    name: 'up',
    summary: 'bring the whole stack up in containers, and wait until it is healthy',
    group: everyDay,
    load: async () => (await import('./commands/stack.ts')).defineUp,
  },
  {
    name: 'status',
    summary: 'the platform on one screen: services, what waits where, backups',
    group: everyDay,
    load: async () => (await import('./commands/status.ts')).defineStatus,
  },
  {
    name: 'logs',
    summary: 'what the services say, merged by time',
    group: everyDay,
    load: async () => (await import('./commands/logs.ts')).defineLogs,
  },
  {
    name: 'e2e',
    summary: 'prove end to end that mail flows, and name the first broken hop',
    group: everyDay,
    load: async () => (await import('./commands/e2e.ts')).defineE2e,
  },
  {
    name: 'trace',
    summary: 'follow one message from its client to the webhooks about it, and say where it is stuck',
    group: everyDay,
    load: async () => (await import('./commands/trace.ts')).defineTrace,
  },
  {
    name: 'sandbox',
    summary: 'run the whole platform in one process on free loopback ports',
    group: everyDay,
    load: async () => (await import('./commands/sandbox.ts')).defineSandbox,
  },
  {
    name: 'queue',
    summary: 'look at what waits for Postal; hold, release, retry, drop, pause',
    group: mail,
    load: async () => (await import('./commands/queue.ts')).defineQueue,
  },
  {
    name: 'journal',
    summary: 'what the relay accepted and cannot ship: show, requeue, drop; ship again',
    group: mail,
    load: async () => (await import('./commands/journal.ts')).defineJournal,
  },
  {
    name: 'suppressions',
    summary: 'addresses that get no mail: list, add, remove, import, export',
    group: mail,
    load: async () => (await import('./commands/suppressions.ts')).defineSuppressions,
  },
  {
    name: 'webhooks',
    summary: 'endpoints that hear what becomes of messages, and what was given up',
    group: mail,
    load: async () => (await import('./commands/webhooks.ts')).defineWebhooks,
  },
  {
    name: 'keys',
    summary: 'keys of every kind: list, create, rotate without a refused request, revoke',
    group: access,
    load: async () => (await import('./commands/keys.ts')).defineKeys,
  },
  {
    name: 'smtp-users',
    summary: 'list, create, bound, disable and remove who may submit over SMTP',
    group: access,
    load: async () => (await import('./commands/smtp-users.ts')).defineSmtpUsers,
  },
  {
    name: 'bans',
    summary: 'list, add, lift and explain what is locked out of SMTP',
    group: access,
    load: async () => (await import('./commands/bans.ts')).defineBans,
  },
  {
    name: 'history',
    summary: 'what was done in this folder: when, by whom, and how it ended',
    group: access,
    load: async () => (await import('./commands/history.ts')).defineHistory,
  },
  {
    name: 'schedule',
    summary: 'what runs by itself: list, history, run now, export for cron or systemd',
    group: backupAndTime,
    load: async () => (await import('./commands/schedule.ts')).defineSchedule,
  },
  {
    name: 'backup',
    summary: 'take sets of both databases, prove them by restoring, restore without sending twice',
    group: backupAndTime,
    load: async () => (await import('./commands/backup.ts')).defineBackup,
  },
  {
    name: 'domains',
    summary: 'sending domains and their DNS: list, add, remove, records, check',
    group: postal,
    load: async () => (await import('./commands/domains.ts')).defineDomains,
  },
  {
    name: 'postal',
    summary:
      'provision Postal as code: drift, apply; rescue mail that is stuck, guard its bodies; reconcile events that no webhook told',
    group: postal,
    load: async () => (await import('./commands/postal.ts')).definePostal,
  },
  {
    name: 'down',
    summary: 'stop the stack once what is in flight is finished; data stays',
    group: host,
    load: async () => (await import('./commands/stack.ts')).defineDown,
  },
  {
    name: 'restart',
    summary: 'restart services one after the other',
    group: host,
    load: async () => (await import('./commands/stack.ts')).defineRestart,
  },
  {
    name: 'upgrade',
    summary: 'bring the images to what their names mean today, after a backup; and back: rollback',
    group: host,
    load: async () => (await import('./commands/upgrade.ts')).defineUpgrade,
  },
  {
    name: 'config',
    summary: 'check, show and explain the configuration',
    group: host,
    load: async () => (await import('./commands/config.ts')).defineConfig,
  },
  {
    name: 'db',
    summary: 'show and migrate the database',
    group: host,
    load: async () => (await import('./commands/db.ts')).defineDb,
  },
  {
    name: 'cert',
    summary: 'get, renew and check TLS certificates',
    group: host,
    load: async () => (await import('./commands/cert.ts')).defineCert,
  },
  {
    name: 'relay',
    summary: 'run the SMTP relay',
    group: services,
    load: async () => (await import('./commands/services.ts')).defineRelay,
  },
  {
    name: 'api',
    summary: 'run the HTTP api',
    group: services,
    load: async () => (await import('./commands/services.ts')).defineApi,
  },
  {
    name: 'worker',
    summary: 'run the worker',
    group: services,
    load: async () => (await import('./commands/services.ts')).defineWorker,
  },
  {
    name: 'scheduler',
    summary: 'run the timetable',
    group: services,
    load: async () => (await import('./commands/services.ts')).defineScheduler,
  },
  {
    name: 'sink',
    summary: 'stand in for the outside world on a staging host: take all mail, answer DNS',
    group: services,
    hidden: true,
    load: async () => (await import('./commands/services.ts')).defineSink,
  },
  {
    name: 'completion',
    summary: 'print the completion script of a shell',
    group: other,
    load: async () => (await import('./commands/completion.ts')).defineCompletion,
  },
  {
    name: 'complete',
    summary: 'answer a shell that completes a command line',
    group: other,
    hidden: true,
    load: async () => (await import('./commands/completion.ts')).defineComplete,
  },
  {
    name: 'help',
    summary: 'explain a command, the exit codes or the variables',
    group: other,
    load: async () => (await import('./commands/help.ts')).defineHelp,
  },
];
