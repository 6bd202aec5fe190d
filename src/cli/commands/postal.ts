import type { Command } from 'commander';

import type { PostalApplied } from '../../operations/postal/apply.ts';
import { lookAtPostal, planPostalApply } from '../../operations/postal/apply.ts';
import type { Drift } from '../../operations/postal/drift.ts';
import { planReconcile, type PostalReconciled } from '../../operations/postal/reconcile.ts';
import { acts, looks, type Session } from '../command.ts';
import type { Style } from '../output.ts';
import { defineRescue } from './postal-rescue.ts';
import { defineRetention } from './postal-retention.ts';

/** `mailctl postal drift|apply|rescue|retention|reconcile`. */
export function definePostal(command: Command, session: Session): void {
  command
    .command('drift')
    .description('Say all in Postal that is not as .env and the declarative file want it.')
    .action(
      looks(session, async ({ runtime }) => ({ drift: (await lookAtPostal(runtime)).drift }), driftAsText),
    );
  command
    .command('apply')
    .description(
      'Make Postal what it should be: organisation, mail server, credentials, domains, webhook, routes.',
    )
    .action(acts(session, ({ runtime }) => planPostalApply(runtime), appliedAsText));
  defineRescue(command, session);
  defineRetention(command, session);
  command
    .command('reconcile')
    .description("Compare with Postal's databases and store the events that no webhook told.")
    .option(
      '--since <duration>',
      'look back this far, such as 3d; without it to where the last comparison ended',
    )
    .action(
      acts(
        session,
        ({ runtime }, { since }: { since?: string }) => planReconcile(runtime, since),
        reconciledAsText,
      ),
    );
}

function driftAsText({ drift }: { readonly drift: readonly Drift[] }, style: Style): string {
  if (drift.length === 0) return 'Postal is as it should be';
  return drift
    .map(
      ({ what, kind, expected, seen }) =>
        `${style.bold(what)}  ${kind === 'different' ? `is ${seen}, should be ${expected}` : kind}`,
    )
    .join('\n');
}

function appliedAsText({ changed, administrator, written }: PostalApplied): string {
  const lines = [
    ...changed.map((what) => `made: ${what}`),
    ...written.map((name) => `written into .env: ${name}`),
    ...(administrator
      ? [
          `log in at ${administrator.url} as ${administrator.email}; the password is in ${administrator.password_file}`,
        ]
      : []),
  ];
  return lines.length === 0 ? 'Postal is as it should be' : lines.join('\n');
}

function reconciledAsText({ changed, events, since, absent }: PostalReconciled): string {
  const kinds = Object.entries(events).map(([kind, count]) => `  ${kind}  ${count}`);
  const gone = `${absent} recipients that Postal had taken are in its databases no more; see: mailctl queue list --state accepted`;
  return [
    changed === 0 ? `no event is missing since ${since}` : `stored ${changed} events that no webhook told`,
    ...kinds,
    ...(absent > 0 ? [gone] : []),
  ].join('\n');
}
