import { type Command, Option } from 'commander';

import { asZoneLine, type DnsRecord } from '../../domain/dns-record.ts';
import { type DomainsChanged, planDomain, planDomainRemoval } from '../../operations/domains/change.ts';
import { checkDomains, listDomains, type ShownDomain, showRecords } from '../../operations/domains/show.ts';
import { acts, looks, type Session } from '../command.ts';
import type { Style } from '../output.ts';

/** `mailctl domains list|add|remove|records|check`. */
export function defineDomains(command: Command, session: Session): void {
  command
    .command('list')
    .description('List the sending domains, and how Postal saw their DNS last.')
    .action(looks(session, ({ runtime }) => listDomains(runtime), asTable));
  defineChanges(command, session);
  command
    .command('records')
    .description('Print every record to create: those of the platform, and of each domain.')
    .argument('[domain]', 'only this one')
    .addOption(
      new Option('--format <format>', 'how they are printed').choices(['table', 'bind']).default('table'),
    )
    .action(recordsAction(session));
  command
    .command('check')
    .description("Ask the domains' own name servers for every record.")
    .argument('[domain]', 'only this one')
    .action(looks(session, ({ runtime }, domain?: string) => checkDomains(runtime, domain), asTable));
}

function defineChanges(command: Command, session: Session): void {
  command
    .command('add')
    .description('Add a sending domain: in Postal, with its keys and its tracking host.')
    .argument('<domain>', 'such as example.com')
    .option('--no-tracking', 'count neither opens nor clicks of its mail')
    .action(
      acts(
        session,
        ({ runtime }, name: string, { tracking }: { tracking: boolean }) =>
          planDomain(runtime, { name, tracking }),
        addedAsText,
      ),
    );
  command
    .command('remove')
    .description('Remove a sending domain, with its keys, tracking host and routes.')
    .argument('<domain>', 'as domains list shows it')
    .action(
      acts(
        session,
        ({ runtime }, name: string) => planDomainRemoval(runtime, name),
        ({ domain }) => `${domain} is removed`,
      ),
    );
}

function recordsAction(session: Session) {
  let format = 'table';
  return looks(
    session,
    ({ runtime }, domain: string | undefined, flags: { format: string }) => {
      ({ format } = flags);
      return showRecords(runtime, domain);
    },
    (data, style) => (format === 'bind' ? asZone(data) : asTable(data, style)),
  );
}

interface Shown {
  readonly domains: readonly ShownDomain[];
}

function addedAsText({ domain, changed }: DomainsChanged): string {
  const said =
    changed.length === 0 ? `${domain} was there already` : changed.map((what) => `made: ${what}`).join('\n');
  return `${said}\nnow create its records: mailctl domains records ${domain}\nthen: mailctl domains check ${domain}`;
}

function asTable({ domains }: Shown, style: Style): string {
  if (domains.length === 0) return 'there is no domain yet: mailctl domains add DOMAIN';
  return domains
    .map((domain) => [headOf(domain, style), ...domain.records.map(lineOf)].join('\n'))
    .join('\n\n');
}

function headOf({ name, ok }: ShownDomain, style: Style): string {
  return `${style.bold(name)}${{ true: '  ok', false: '  not right', null: '' }[String(ok) as 'true' | 'false' | 'null']}`;
}

function lineOf({ ok, type, name, expected, seen, optional }: ShownDomain['records'][number]): string {
  const mark = ok === null ? ' ' : ok ? '✔' : optional ? '·' : '✘';
  const line = `${mark} ${type.padEnd(5)} ${name}  ${expected}${optional ? '  (optional)' : ''}`;
  return ok === false ? `${line}\n        seen: ${seen ?? 'nothing'}` : line;
}

/** A zone file can be read by a name server as it is; what each record is for stands before it. */
function asZone({ domains }: Shown): string {
  return domains
    .map(({ name, records }) => [`; ${name}`, ...records.map((record) => zoneLine(record))].join('\n'))
    .join('\n\n');
}

function zoneLine({ type, name, expected, why, optional }: ShownDomain['records'][number]): string {
  const isKnown = /^[^ ]+$|^\d+ /.test(expected) || type === 'TXT';
  const line = asZoneLine({ type: type as DnsRecord['type'], name, value: expected, why });
  return `; ${optional ? 'optional: ' : ''}${why}\n${optional || !isKnown ? '; ' : ''}${line}`;
}
