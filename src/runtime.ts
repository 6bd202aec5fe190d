import { openedThings } from './domain/opened.ts';
import { type Engine, openEngine } from './runtime/engine.ts';
import { type Folder, type FolderOptions, openFolder } from './runtime/folder.ts';
import { type Network, openNetwork } from './runtime/network.ts';
import { openStores, type Stores } from './runtime/stores.ts';
import { openTools, type Tools } from './runtime/tools.ts';

/** The world a command acts on. What is heavy is opened when first used; all is released in reverse order. */
export interface Runtime extends Folder, Engine, Stores, Network, Tools, AsyncDisposable {}

/** Puts the real adapters together for one command. Opens nothing yet. */
export function openRuntime(options: FolderOptions): Runtime {
  const opened = openedThings();
  const folder = openFolder(options);
  const engine = openEngine(folder);
  const stores = { config: () => folder.config('operator'), addresses: engine.addresses, opened };
  return {
    ...folder,
    ...engine,
    ...openStores(stores),
    ...openNetwork(folder, opened),
    ...openTools(folder),
    [Symbol.asyncDispose]: () => opened[Symbol.asyncDispose](),
  };
}
