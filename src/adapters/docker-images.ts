import { formatDuration } from '../domain/duration.ts';
import { OperatorError } from '../domain/failure.ts';

/** What the engine has of an image. */
export interface FoundImage {
  readonly id: string;
  /** `REPOSITORY@DIGEST`, by which it was pulled; none for one that was built or loaded here. */
  readonly digests: readonly string[];
  /** What it puts into the environment of its containers. */
  readonly environment: readonly string[];
}

/** The images of an engine. */
export interface DockerImages {
  /** Undefined where the engine lacks it. */
  image(name: string): Promise<FoundImage | undefined>;
  /** Pulls an image; throws what the registry says, and `timed-out` for one that takes too long. */
  pull(name: string): Promise<void>;
  /** The digest that a name has in its registry now; undefined where the registry does not say. */
  digestElsewhere(name: string): Promise<string | undefined>;
  /** Gives an image one more name, `REPOSITORY:TAG`, that keeps it from being pruned. */
  keepAs(image: string, name: string): Promise<void>;
  /** The names, `REPOSITORY:TAG`, that a repository has here. */
  namesIn(repository: string): Promise<readonly string[]>;
  /** Takes a name from an image, and removes that where it was the last; what a container has, or is gone, is left alone. */
  removeImage(name: string): Promise<void>;
}

/** The part of an engine that it takes. */
interface ImageEngine {
  getImage(name: string): {
    inspect(): Promise<{
      readonly Id: string;
      readonly RepoDigests?: string[];
      readonly Config: { readonly Env?: string[] };
    }>;
    distribution(): Promise<unknown>;
    tag(to: { readonly repo: string; readonly tag: string }): Promise<unknown>;
    remove(): Promise<unknown>;
  };
  listImages(choice: {
    filters: { reference: string[] };
  }): Promise<readonly { readonly RepoTags?: readonly string[] | undefined }[]>;
  pull(name: string, choice: { readonly abortSignal: AbortSignal }): Promise<NodeJS.ReadableStream>;
  readonly modem: {
    followProgress(
      stream: NodeJS.ReadableStream,
      done: (error: Error | null, told: readonly { readonly error?: string }[]) => void,
    ): void;
  };
}

/** One connection that answers within its time, and one for pulls, each of which may take so long. */
interface Connections {
  readonly engine: ImageEngine;
  readonly streaming: ImageEngine;
  readonly pullMs: number;
}

/** The images as the engine tells them. */
export function dockerImages(
  { engine, streaming, pullMs }: Connections,
  asked: <T>(work: Promise<T>) => Promise<T>,
): DockerImages {
  return {
    image: (name) => asked(findImage(engine, name)),
    pull: (name) => asked(pullImage(streaming, name, pullMs)),
    digestElsewhere: async (name) => {
      const told = await engine
        .getImage(name)
        .distribution()
        .catch(() => undefined);
      return (told as { readonly Descriptor?: { readonly digest?: string } } | undefined)?.Descriptor?.digest;
    },
    keepAs: async (image, name) => {
      const colon = name.lastIndexOf(':');
      const to = { repo: name.slice(0, colon), tag: name.slice(colon + 1) };
      await asked(engine.getImage(image).tag(to));
    },
    namesIn: async (repository) => {
      const found = await asked(engine.listImages({ filters: { reference: [repository] } }));
      return found.flatMap(({ RepoTags: names }) => names ?? []);
    },
    removeImage: async (name) => {
      await asked(
        engine
          .getImage(name)
          .remove()
          .catch((cause: unknown) => {
            if (!hasStatus(cause, 404) && !hasStatus(cause, 409)) throw cause;
          }),
      );
    },
  };
}

async function findImage(engine: ImageEngine, name: string): Promise<FoundImage | undefined> {
  const found = await engine
    .getImage(name)
    .inspect()
    .catch((cause: unknown) => {
      if (hasStatus(cause, 404)) return undefined;
      throw cause;
    });
  return found && { id: found.Id, digests: found.RepoDigests ?? [], environment: found.Config.Env ?? [] };
}

function hasStatus(cause: unknown, status: number): boolean {
  return cause instanceof Error && 'statusCode' in cause && cause.statusCode === status;
}

/** The engine would take a name without a tag for all tags of it. */
function withTag(name: string): string {
  return name.includes('@') || name.lastIndexOf(':') > name.lastIndexOf('/') ? name : `${name}:latest`;
}

async function pullImage(engine: ImageEngine, name: string, withinMs: number): Promise<void> {
  const abortSignal = AbortSignal.timeout(withinMs);
  try {
    const progress = await engine.pull(withTag(name), { abortSignal });
    const told = await new Promise<readonly { readonly error?: string }[]>((resolve, reject) => {
      engine.modem.followProgress(progress, (error, lines) => (error ? reject(error) : resolve(lines)));
    });
    // What goes wrong on the way, such as a full disk, comes in an answer that began well.
    const failed = told.find(({ error }) => error !== undefined);
    if (failed) throw new Error(failed.error);
  } catch (cause) {
    if (abortSignal.aborted) throw tooSlow(name, withinMs, cause);
    throw cause;
  }
}

function tooSlow(name: string, withinMs: number, cause: unknown): OperatorError {
  return new OperatorError('timed-out', `${name} was not pulled within ${formatDuration(withinMs)}`, {
    hint: 'What has come of it is kept: run it again, or allow more time: COMPOSE_TIMEOUT',
    field: 'COMPOSE_TIMEOUT',
    cause,
  });
}
