import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import ts from 'typescript';

const root = fileURLToPath(new URL('../../../', import.meta.url));

/** The program as it is in `src/` now, built for one test file: a stale `dist/` proves nothing. */
export function buildProgram(): Disposable & { readonly path: string } {
  const folder = mkdtempSync(join(tmpdir(), 'mailctl-program-'));
  const { config } = ts.readConfigFile(join(root, 'tsconfig.json'), ts.sys.readFile);
  const { options } = ts.convertCompilerOptionsFromJson(config.compilerOptions, root);
  for (const name of readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })) {
    if (name.endsWith('.ts') && !name.endsWith('.d.ts'))
      transpile(name, folder, { ...options, module: ts.ModuleKind.ESNext });
  }
  cpSync(join(root, 'bin'), join(folder, 'bin'), { recursive: true });
  cpSync(join(root, 'package.json'), join(folder, 'package.json'));
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
  symlinkSync(join(root, 'src'), join(folder, 'src'));
  return {
    path: join(folder, 'bin/mailctl.js'),
    [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }),
  };
}

function transpile(name: string, folder: string, options: ts.CompilerOptions): void {
  const target = join(folder, 'dist', name.replace(/\.ts$/, '.js'));
  const source = readFileSync(join(root, 'src', name), 'utf8');
  mkdirSync(dirname(target), { recursive: true });
  const { outputText } = ts.transpileModule(source, { compilerOptions: options, fileName: name });
  writeFileSync(
    target,
    outputText.replaceAll(/((?:from|import) ?\(?['"]\.{1,2}\/[^'"]+)\.ts(['"])/g, '$1.js$2'),
  );
}

export interface Ended {
  readonly exit: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly out: string;
  readonly err: string;
}

/** A process under way. */
export interface Process {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  /** Resolves when the text was printed on either stream; rejects when the process ends without it. */
  prints(text: string | RegExp): Promise<void>;
}

/** Starts a program without a terminal and with nothing of this test's environment but PATH. */
export function start(command: readonly string[], environment: NodeJS.ProcessEnv = {}, cwd = '/'): Process {
  const [file = '', ...argv] = command;
  const child = spawn(file, argv, { cwd, env: { PATH: process.env['PATH'], ...environment } });
  const printed = { out: '', err: '' };
  const watching = new Set<() => void>();
  const add = (to: keyof typeof printed) => (chunk: Buffer) => {
    printed[to] += chunk;
    for (const look of watching) look();
  };
  child.stdout.on('data', add('out'));
  child.stderr.on('data', add('err'));
  child.stdin.on('error', () => undefined);
  const ended = once(child, 'close').then(([exit, signal]): Ended => ({
    exit: exit as number | null,
    signal: signal as Ended['signal'],
    ...printed,
  }));
  const prints = (text: string | RegExp) =>
    new Promise<void>((resolve, reject) => {
      const look = () => {
        const all = printed.out + printed.err;
        if (typeof text === 'string' ? all.includes(text) : text.test(all)) resolve();
      };
      watching.add(look);
      look();
      ended.then(
        ({ out, err }) => reject(new Error(`it ended without printing ${text}:\n${out}${err}`)),
        reject,
      );
    });
  return { child, ended, prints };
}

/** Runs a program to its end, with nothing on its stdin. */
export function runToEnd(
  command: readonly string[],
  environment: NodeJS.ProcessEnv = {},
  cwd = '/',
): Promise<Ended> {
  const running = start(command, environment, cwd);
  running.child.stdin?.end();
  return running.ended;
}
