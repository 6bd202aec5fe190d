import type { Command } from 'commander';

import { failures } from '../../domain/failure.ts';
import type { ShownMessage, Trace } from '../../operations/trace/report.ts';
import { traceMessage } from '../../operations/trace/show.ts';
import { type Context, looks, type Session } from '../command.ts';
import type { Style } from '../output.ts';

/** `mailctl trace`. */
export function defineTrace(command: Command, session: Session): void {
  command
    .argument('<message>', 'its id (msg_…), its Message-ID, or the address of a recipient: the newest one')
    .action(looks(session, (context, text: string) => trace(session, context, text), traceAsText));
}

async function trace(session: Session, { runtime, output }: Context, text: string): Promise<Trace> {
  const { trace: found, warnings } = await traceMessage(runtime, text);
  for (const warning of warnings) output.warn(warning);
  if (warnings.length > 0) session.exit = failures['partly-done'].exit;
  return found;
}

function traceAsText(found: Trace, style: Style): string {
  const { message } = found;
  return [
    ...(message ? [...headAsText(message, style), '', ...timelineAsText(found, message), ''] : []),
    ...stuckAsText(found, style),
    ...othersAsText(found),
  ].join('\n');
}

function headAsText(message: ShownMessage, style: Style): readonly string[] {
  const { id, aliases, state, mail_from: from, subject, recipients } = message;
  return [
    `${style.bold(id)}  ${state}`,
    ...aliases.map((alias) => `  again as ${alias}`),
    `  from     ${from === '' ? '<>' : from}`,
    `  subject  ${subject ?? ''}`,
    ...recipients.map(({ address, state: where, detail }) =>
      `  ${where.padEnd(10)} ${address}${detail === null ? '' : `  ${oneLine(detail)}`}`.trimEnd(),
    ),
  ];
}

function timelineAsText({ timeline }: Trace, message: ShownMessage): readonly string[] {
  const isOne = message.recipients.length === 1;
  return timeline.map(({ at, hop, event, recipient, detail }) => {
    const facts = Object.entries(detail)
      .filter(([, value]) => value !== '' && value !== null)
      .map(([name, value]) => `${name}=${oneLine(String(value))}`);
    const words = [at, hop.padEnd(14), event.padEnd(16), ...(isOne ? [] : [recipient ?? '']), ...facts];
    return words.join('  ').trimEnd();
  });
}

function stuckAsText({ stuck }: Trace, style: Style): readonly string[] {
  if (!stuck) return ['It is not stuck.'];
  const command = stuck.command === null ? [] : [`  ${stuck.command}`];
  return [`${style.bold(`stuck at ${stuck.hop}`)}: ${oneLine(stuck.why)}`, ...command];
}

function othersAsText({ others }: Trace): readonly string[] {
  if (others.length === 0) return [];
  const rows = others.map(({ id, state, received_at: at, subject }) =>
    `  ${id}  ${state.padEnd(9)}  ${at}  ${subject ?? ''}`.trimEnd(),
  );
  return ['', 'others:', ...rows];
}

function oneLine(text: string): string {
  return text.replaceAll(/\s+/g, ' ').trim();
}
