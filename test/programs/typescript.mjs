import { createHash } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { register } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isMainThread, threadId } from 'node:worker_threads';

// `node --import ./test/programs/typescript.mjs program.ts`: tests that kill a process need one that runs the sources as they are now.
if (isMainThread) register(import.meta.url);

const cache = fileURLToPath(new URL('../../node_modules/.cache/test-programs/', import.meta.url));

/** Node's load hook: takes the types out of `.ts` files, and keeps what came out under the digest of what went in. */
export async function load(url, context, next) {
  if (!url.startsWith('file:') || !url.endsWith('.ts')) return next(url, context);
  const text = await readFile(fileURLToPath(url), 'utf8');
  const kept = join(cache, `${createHash('sha256').update(text).digest('hex')}.js`);
  const source = await readFile(kept, 'utf8').catch(() => transpiled(text, kept));
  return { format: 'module', source, shortCircuit: true };
}

async function transpiled(text, kept) {
  const { default: typescript } = await import('typescript');
  const compilerOptions = {
    target: typescript.ScriptTarget.ES2022,
    module: typescript.ModuleKind.ESNext,
    verbatimModuleSyntax: true,
  };
  const { outputText } = typescript.transpileModule(text, { compilerOptions });
  const draft = `${kept}.${process.pid}.${threadId}`;
  await mkdir(cache, { recursive: true })
    .then(() => writeFile(draft, outputText))
    .then(() => rename(draft, kept))
    .catch(() => undefined);
  return outputText;
}
