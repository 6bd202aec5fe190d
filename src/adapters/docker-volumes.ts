/** The volumes of one project. */
export interface DockerVolumes {
  /** When each was made, by its name without the project's in front. */
  volumes(): Promise<ReadonlyMap<string, Date>>;
  /** Removes every one, also those that no file names any more. Throws for one that a container still uses. */
  removeVolumes(): Promise<void>;
}

/** The part of an engine that it takes. */
interface VolumeEngine {
  listVolumes(choice: { readonly filters: never }): Promise<{
    readonly Volumes?: readonly { readonly Name: string; readonly CreatedAt?: string }[] | null;
  }>;
  getVolume(name: string): { remove(): Promise<unknown> };
}

/** The volumes as the engine tells them. */
export function dockerVolumes(
  engine: VolumeEngine,
  project: string,
  asked: <T>(work: Promise<T>) => Promise<T>,
): DockerVolumes {
  return {
    volumes: async () => {
      const found = await asked(listVolumes(engine, project));
      return new Map(found.map(({ name, madeAt }) => [name.replace(`${project}_`, ''), madeAt]));
    },
    removeVolumes: async () => {
      for (const { name } of await asked(listVolumes(engine, project)))
        await asked(engine.getVolume(name).remove().catch(goneMeanwhile));
    },
  };
}

async function listVolumes(engine: VolumeEngine, project: string) {
  const filters = { label: [`com.docker.compose.project=${project}`] };
  const { Volumes: found } = await engine.listVolumes({ filters: filters as never });
  return (found ?? []).map((volume) => ({
    name: volume.Name,
    madeAt: new Date(volume.CreatedAt ?? 0),
  }));
}

/** What is not there any more is no failure. */
export function goneMeanwhile(cause: unknown): undefined {
  const status = cause instanceof Error && 'statusCode' in cause ? cause.statusCode : undefined;
  if (status !== 404) throw cause;
}
