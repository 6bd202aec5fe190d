import { createSocket } from 'node:dgram';
import { once } from 'node:events';

/** Record types of RFC 1035 §3.2.2 and RFC 3596 by number. */
const types = { A: 1, NS: 2, CNAME: 5, PTR: 12, MX: 15, TXT: 16, AAAA: 28 } as const;
type Type = keyof typeof types;

/** One record; a TXT is cut into strings of 255 octets, the value of an MX is `10 host`. */
export interface Served {
  readonly type: Type;
  readonly name: string;
  readonly value: string;
}

/** A name server on a free loopback port. */
export interface NameServer extends AsyncDisposable {
  readonly port: number;
  /** What it answers from now on; `silent` answers nothing. */
  records: readonly Served[] | 'silent' | 'failing';
  readonly questions: string[];
}

/** Starts a name server that answers over UDP (RFC 1035 §4). */
export async function startNameServer(records: NameServer['records']): Promise<NameServer> {
  const socket = createSocket('udp4');
  const server: NameServer = {
    port: 0,
    records,
    questions: [],
    [Symbol.asyncDispose]: async () => {
      socket.close();
      await once(socket, 'close');
    },
  };
  socket.on('message', (query, from) => {
    const answer = answerTo(query, server);
    if (answer) socket.send(answer, from.port, from.address);
  });
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  return Object.assign(server, { port: socket.address().port });
}

function answerTo(query: Buffer, server: NameServer): Buffer | undefined {
  const end = endOfName(query, 12);
  const name = nameAt(query, 12);
  const type = Object.entries(types).find(([, number]) => number === query.readUInt16BE(end))?.[0];
  server.questions.push(`${name} ${type}`);
  if (server.records === 'silent') return undefined;
  const failing = server.records === 'failing';
  const all = server.records === 'failing' ? [] : server.records;
  const named = all.filter((record) => record.name.toLowerCase() === name);
  const found = named.filter((record) => record.type === type || record.type === 'CNAME');
  const known = named.length > 0 || all.some((record) => record.name.toLowerCase().endsWith(`.${name}`));
  const head = Buffer.alloc(12);
  query.copy(head, 0, 0, 2);
  head.writeUInt16BE(failing ? 0x8182 : known ? 0x8580 : 0x8583, 2);
  head.writeUInt16BE(1, 4);
  head.writeUInt16BE(found.length, 6);
  return Buffer.concat([head, query.subarray(12, end + 4), ...found.map(written)]);
}

function written({ type, name, value }: Served): Buffer {
  const data = dataOf(type, value);
  const fixed = Buffer.alloc(10);
  fixed.writeUInt16BE(types[type], 0);
  fixed.writeUInt16BE(1, 2);
  fixed.writeUInt32BE(60, 4);
  fixed.writeUInt16BE(data.length, 8);
  return Buffer.concat([encoded(name), fixed, data]);
}

function dataOf(type: Type, value: string): Buffer {
  if (type === 'A') return Buffer.from(value.split('.').map(Number));
  if (type === 'AAAA') return Buffer.from(value.replaceAll(':', ''), 'hex');
  if (type === 'TXT') return Buffer.concat((value.match(/.{1,255}/gs) ?? ['']).map(counted));
  if (type !== 'MX') return encoded(value);
  const [priority = '0', host = ''] = value.split(' ');
  return Buffer.concat([Buffer.from([0, Number(priority)]), encoded(host)]);
}

function encoded(name: string): Buffer {
  return Buffer.concat([...name.split('.').map(counted), Buffer.of(0)]);
}

function counted(text: string): Buffer {
  return Buffer.concat([Buffer.of(Buffer.byteLength(text)), Buffer.from(text)]);
}

function endOfName(message: Buffer, start: number): number {
  let at = start;
  while (message[at]) at += (message[at] ?? 0) + 1;
  return at + 1;
}

function nameAt(message: Buffer, start: number): string {
  const labels: string[] = [];
  for (let at = start; message[at]; at += (message[at] ?? 0) + 1)
    labels.push(message.subarray(at + 1, at + 1 + (message[at] ?? 0)).toString());
  return labels.join('.').toLowerCase();
}
