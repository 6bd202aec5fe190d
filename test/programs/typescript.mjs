import { createHash } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { register } from 'node:module';
import { fileURLToPath } from 'node:url';
import { isMainThread, threadId } from 'node:worker_threads';

// `node --import ./test/programs/typescript.mjs program.ts`: tests that kill a process need one that runs the sources as they are now.
if (isMainThread) register(import.meta.url);

const target = 'ES2022';

// Named by what it was made from, so that a file that changed is never taken for what it was.
const cache = new URL('../../node_modules/.cache/test-programs/', import.meta.url);

/** Node's load hook: takes the types out of `.ts` files. */
export async function load(url, context, next) {
  if (!url.startsWith('file:') || !url.endsWith('.ts')) return next(url, context);
  const text = await readFile(fileURLToPath(url), 'utf8');
  const kept = new URL(`${createHash('sha256').update(`${target}\n${text}`).digest('hex')}.js`, cache);
  const source = await readFile(kept, 'utf8').catch(() => transpile(text, kept));
  return { format: 'module', source, shortCircuit: true };
}

async function transpile(text, kept) {
  const { default: typescript } = await import('typescript');
  const compilerOptions = {
    target: typescript.ScriptTarget[target],
    module: typescript.ModuleKind.ESNext,
    verbatimModuleSyntax: true,
  };
  const { outputText } = typescript.transpileModule(text, { compilerOptions });
  await keep(kept, outputText).catch(() => undefined);
  return outputText;
}

/** Other processes read it the moment it has its name; where nothing can be written it is made anew each time. */
async function keep(file, text) {
  const unfinished = new URL(`${file.href}.${process.pid}-${threadId}`);
  await mkdir(cache, { recursive: true });
  await writeFile(unfinished, text);
  await rename(unfinished, file);
}
