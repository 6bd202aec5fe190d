import { existsSync } from 'node:fs';
import { chmod, chown, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { freePort } from '../../../src/adapters/free-port.ts';
import { cacheFolder } from '../../engines/debian-packages.ts';
import { findProgram } from '../../engines/programs.ts';
import { writeCertificate } from '../../services/relay/running-door.ts';
import { type MailServer, type Ports, serve, serverFolder } from './served-program.ts';

/** Users that every Debian has; Postfix insists on its own, shared with no other program that runs. */
const owner = 'uucp';
const group = 'games';
/** Lines added to main.cf, where the last of a name holds, and to master.cf; `files` are put beside them. */
export interface PostfixSettings {
  readonly main?: (config: string) => readonly string[];
  readonly master?: readonly string[];
  readonly files?: Readonly<Record<string, string>>;
  readonly environment?: Readonly<Record<string, string>>;
}

const queues = [
  'active',
  'bounce',
  'corrupt',
  'defer',
  'deferred',
  'flush',
  'hold',
  'incoming',
  'private',
  'saved',
  'trace',
];

/**
 * Postfix of this machine, else of its Debian package. Every message goes into its hold queue, durably, and stays there, unless `more`
 * says something else. It asks for no login, which is less than the relay does. Fails where it may not run: it needs root.
 */
export async function startPostfix(more: PostfixSettings = {}): Promise<MailServer> {
  if (process.getuid?.() !== 0) throw new Error('Postfix needs root');
  const { root } = await findProgram({ program: 'postfix', debianPackage: 'postfix', folder: 'usr/sbin' });
  const folder = await serverFolder('postfix');
  const ports = { plain: await freePort(), tls: await freePort() };
  await makeQueue(folder);
  await writeCertificate(folder);
  await configure(folder, { root: root ?? '/', ports, more });
  return serve({
    name: 'Postfix, hold',
    argv: [join(root ?? '/', 'usr/lib/postfix/sbin/master'), '-c', join(folder, 'config'), '-d'],
    environment: { ...libraries(root), ...more.environment },
    folder,
    ports,
    auth: undefined,
  });
}

interface Installation {
  readonly root: string;
  readonly ports: Ports;
  readonly more: PostfixSettings;
}

async function configure(folder: string, { root, ports, more }: Installation): Promise<void> {
  const config = join(folder, 'config');
  await mkdir(config);
  const main = [mainFile(folder, root), ...(more.main?.(config) ?? []), ''];
  await writeFile(join(config, 'main.cf'), main.join('\n'));
  await writeFile(join(config, 'master.cf'), [masterFile(ports), ...(more.master ?? []), ''].join('\n'));
  for (const [name, text] of Object.entries(more.files ?? {})) await writeFile(join(config, name), text);
}

/** True when it may run and needs no network. */
export async function isPostfixHere(): Promise<boolean> {
  const shelves = await readdir(join(cacheFolder(), 'debian')).catch(() => []);
  const unpacked = shelves.map((shelf) => join(cacheFolder(), 'debian', shelf, 'postfix'));
  return process.getuid?.() === 0 && ['/usr/sbin/postfix', ...unpacked].some((path) => existsSync(path));
}

function libraries(root: string | undefined): Readonly<Record<string, string>> {
  if (root === undefined) return {};
  const folders = ['usr/lib/postfix', `usr/lib/${process.arch === 'arm64' ? 'aarch64' : 'x86_64'}-linux-gnu`];
  return { LD_LIBRARY_PATH: folders.map((inside) => join(root, inside)).join(':') };
}

async function makeQueue(folder: string): Promise<void> {
  await chmod(folder, 0o755);
  const { uid, gid } = await idsOf(owner);
  const groupId = await groupIdOf(group);
  await mkdir(join(folder, 'queue'));
  await mkdir(join(folder, 'queue/pid'));
  for (const name of ['data', ...queues.map((queue) => join('queue', queue))]) {
    await mkdir(join(folder, name), { mode: 0o700 });
    await chown(join(folder, name), uid, gid);
  }
  for (const [name, mode] of [
    ['maildrop', 0o730],
    ['public', 0o710],
  ] as const) {
    const path = join(folder, 'queue', name);
    await mkdir(path);
    await chown(path, uid, groupId);
    await chmod(path, mode);
  }
}

async function idsOf(user: string): Promise<{ readonly uid: number; readonly gid: number }> {
  const line = new RegExp(`^${user}:[^:]*:(\\d+):(\\d+):`, 'm').exec(await readFile('/etc/passwd', 'utf8'));
  if (!line) throw new Error(`there is no user ${user}`);
  return { uid: Number(line[1]), gid: Number(line[2]) };
}

async function groupIdOf(name: string): Promise<number> {
  const line = new RegExp(`^${name}:[^:]*:(\\d+):`, 'm').exec(await readFile('/etc/group', 'utf8'));
  if (!line) throw new Error(`there is no group ${name}`);
  return Number(line[1]);
}

function mainFile(folder: string, root: string): string {
  return `compatibility_level = 3.6
queue_directory = ${folder}/queue
data_directory = ${folder}/data
daemon_directory = ${root}/usr/lib/postfix/sbin
command_directory = ${root}/usr/sbin
shlib_directory = ${root}/usr/lib/postfix
import_environment = MAIL_CONFIG LD_LIBRARY_PATH
mail_owner = ${owner}
setgid_group = ${group}
maillog_file = ${folder}/mail.log
maillog_file_prefixes = ${folder}
myhostname = relay.example.com
mydestination =
alias_maps =
local_recipient_maps =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
default_process_limit = 250
in_flow_delay = 0s
mynetworks = 127.0.0.0/8
smtpd_relay_restrictions = permit_mynetworks, reject_unauth_destination
smtpd_recipient_restrictions = check_recipient_access static:HOLD, permit_mynetworks, reject
smtpd_client_event_limit_exceptions = static:all
smtpd_peername_lookup = no
smtpd_tls_cert_file = ${folder}/cert.pem
smtpd_tls_key_file = ${folder}/key.pem
`;
}

function masterFile({ plain, tls }: Ports): string {
  return `127.0.0.1:${plain} inet n - n - - smtpd
127.0.0.1:${tls} inet n - n - - smtpd -o smtpd_tls_wrappermode=yes
postlog unix-dgram n - n - 1 postlogd
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
showq unix n - n - - showq
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
`;
}
