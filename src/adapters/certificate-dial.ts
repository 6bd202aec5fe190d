import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';

/** A port, and how TLS begins there. */
export interface DialledPort {
  readonly host: string;
  readonly port: number;
  /** The name that is asked for (SNI). */
  readonly serverName: string;
  /** At once, or after STARTTLS of an SMTP server (RFC 3207). */
  readonly begins: 'tls' | 'starttls';
  readonly withinMs: number;
}

/** The serial number of what was served, or why nothing was. */
export type SeenCertificate = { readonly serial: string } | { readonly why: string };

/** Shakes hands and looks at the certificate, whoever signed it. Never throws: what stands in the way is the answer. */
export async function dialCertificate(port: DialledPort): Promise<SeenCertificate> {
  const socket = connect({ host: port.host, port: port.port });
  const late = setTimeout(
    () => socket.destroy(new Error(`nothing within ${port.withinMs} ms`)),
    port.withinMs,
  );
  try {
    await once(socket, 'connect');
    if (port.begins === 'starttls') await askForTls(socket);
    const secure = connectTls({ socket, servername: port.serverName, rejectUnauthorized: false });
    const broken = once(socket, 'error').then(([error]) => Promise.reject(error as Error));
    await Promise.race([once(secure, 'secureConnect'), broken]);
    return { serial: serialOf(secure) };
  } catch (error) {
    return { why: error instanceof Error ? error.message : String(error) };
  } finally {
    clearTimeout(late);
    socket.on('error', () => undefined);
    socket.destroy();
  }
}

function serialOf(socket: TLSSocket): string {
  return socket.getPeerCertificate().serialNumber;
}

async function askForTls(socket: Socket): Promise<void> {
  const replies = readReplies(socket);
  for (const [line, wanted] of [
    ['', '220'],
    ['EHLO mailctl.invalid\r\n', '250'],
    ['STARTTLS\r\n', '220'],
  ] as const) {
    if (line !== '') socket.write(line);
    const { value = 'nothing' } = await replies.next();
    if (!value.startsWith(wanted)) throw new Error(`it answered ${value.slice(0, 100)}`);
  }
  await replies.return(undefined);
}

/** The last line of each reply. */
async function* readReplies(socket: Socket): AsyncGenerator<string, undefined> {
  let text = '';
  for await (const chunk of socket.iterator({ destroyOnReturn: false })) {
    text += String(chunk);
    const lines = text.split('\r\n');
    text = lines.pop() ?? '';
    yield* lines.filter((line) => line.charAt(3) !== '-');
  }
  return undefined;
}
