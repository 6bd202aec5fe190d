import type { Command } from 'commander';

import { failures } from '../../domain/failure.ts';
import {
  publishRetention,
  type RetentionReport,
  showRetention,
  warningsOf,
} from '../../operations/postal/retention.ts';
import { type Context, looks, type Session } from '../command.ts';

/** `mailctl postal retention`; it ends with 3 where mail is in danger. */
export function defineRetention(command: Command, session: Session): void {
  command
    .command('retention')
    .description("Warn of queued mail whose body Postal's retention drops before it is sent.")
    .option('--publish', 'write down what the scheduler publishes as metrics')
    .action(
      looks(
        session,
        (context, { publish = false }: { publish?: boolean }) => retention(session, context, publish),
        asText,
      ),
    );
}

async function retention(session: Session, { runtime, output }: Context, publish: boolean) {
  const report = await showRetention(runtime);
  const warnings = warningsOf(report);
  for (const warning of warnings) output.warn(warning);
  if (publish) await publishRetention(runtime, report);
  if (warnings.length > 0) session.exit = failures['partly-done'].exit;
  return report;
}

function asText({ servers }: RetentionReport): string {
  if (servers.length === 0) return 'Postal has no mail server';
  return servers
    .map(({ name, days, most_bytes: most, bytes, queued }) => {
      const limits = [
        days === null ? 'any age' : `${days} days`,
        most === null ? 'any size' : megabytes(most),
      ];
      return `${name}  keeps bodies for ${limits.join(', up to ')}; now ${megabytes(bytes)}, ${queued} messages queued`;
    })
    .join('\n');
}

function megabytes(bytes: number): string {
  return `${Math.ceil(bytes / 1024 ** 2)} MB`;
}
