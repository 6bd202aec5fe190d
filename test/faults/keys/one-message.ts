import { dial } from '../../services/relay/smtp-client.ts';
import type { RunningPlatform } from './running-platform.ts';

const patienceMs = 60_000;

/** What the relay says from AUTH on to a message that it takes. */
export const welcome = ['235', '250', '250', '354', '250'];

/** Submits a message in a session of its own; answers what the relay said from AUTH on. */
export async function submitTo(
  { ports, access }: Pick<RunningPlatform, 'ports' | 'access'>,
  to: string,
): Promise<readonly string[]> {
  const client = await dial({ host: '127.0.0.1', port: ports.relay }, 'plain', patienceMs);
  await client.reply();
  await client.ask('EHLO ams.example.com');
  const login = Buffer.from(`\0ams\0${access.password.reveal()}`).toString('base64');
  const octets = `From: ams@example.com\r\nTo: ${to}\r\nMessage-ID: <${to}>\r\nSubject: Hello\r\n\r\nHello\r\n.`;
  const replies: string[] = [];
  for (const line of [
    `AUTH PLAIN ${login}`,
    'MAIL FROM:<ams@example.com>',
    `RCPT TO:<${to}>`,
    'DATA',
    octets,
  ])
    replies.push((await client.ask(line)).slice(0, 3));
  client.socket.destroy();
  return replies;
}
