/** One container of the stack, as the engine's inspect tells it. */
export interface Container {
  readonly id: string;
  /** The service of the Compose file that it runs. */
  readonly service: string;
  /** Made by `docker compose run` for one command. */
  readonly oneOff: boolean;
  /** What Compose made it from. */
  readonly configHash: string;
  readonly state: 'created' | 'running' | 'paused' | 'restarting' | 'removing' | 'exited' | 'dead';
  /** `none` where the service has no health check. */
  readonly health: 'none' | 'starting' | 'healthy' | 'unhealthy';
  /** The program that its health check runs inside; none where it has no check. */
  readonly healthTest: readonly string[];
  /** What the last health check printed. */
  readonly healthOutput: string;
  /** Undefined as long as it never ran. */
  readonly startedAt: Date | undefined;
  readonly exitCode: number;
  /** The kernel ended it because it wanted more memory than it may have. */
  readonly oomKilled: boolean;
  readonly restarts: number;
  /** The name it was started with, and the digest of what was started. */
  readonly image: string;
  readonly imageId: string;
  /** What its image is labelled with. */
  readonly version: string | undefined;
  /** What its processes find in their environment, as `NAME=value`; no secret of ours is there. */
  readonly environment: readonly string[];
  /** Address by the name of the network, without the project's name in front. */
  readonly addresses: Readonly<Record<string, string>>;
}

/** The part of an inspect that we read. */
export interface Inspected {
  readonly Id: string;
  readonly Image: string;
  readonly RestartCount: number;
  readonly Config: {
    readonly Image: string;
    readonly Labels: Readonly<Record<string, string>>;
    readonly Env?: readonly string[] | null;
    readonly Healthcheck?: { readonly Test?: readonly string[] | null };
  };
  readonly State: {
    readonly Status: string;
    readonly ExitCode: number;
    readonly OOMKilled: boolean;
    readonly StartedAt: string;
    readonly Health?:
      | { readonly Status: string; readonly Log?: readonly { readonly Output: string }[] | null }
      | undefined;
  };
  readonly NetworkSettings: {
    readonly Networks: Readonly<Record<string, { readonly IPAddress: string }>>;
  };
}

/** Reads an inspect. Compose names networks `PROJECT_NETWORK` and labels containers with their service. */
export function readContainer(found: Inspected): Container {
  const { State: state, Config: config } = found;
  return {
    id: found.Id,
    service: config.Labels['com.docker.compose.service'] ?? '',
    oneOff: config.Labels['com.docker.compose.oneoff'] === 'True',
    configHash: config.Labels['com.docker.compose.config-hash'] ?? '',
    state: state.Status as Container['state'],
    health: (state.Health?.Status ?? 'none') as Container['health'],
    healthTest: healthTestOf(config),
    healthOutput: state.Health?.Log?.at(-1)?.Output.trim() ?? '',
    startedAt: state.StartedAt.startsWith('0001-') ? undefined : new Date(state.StartedAt),
    exitCode: state.ExitCode,
    oomKilled: state.OOMKilled,
    restarts: found.RestartCount,
    image: config.Image,
    imageId: found.Image,
    version: config.Labels['org.opencontainers.image.version'],
    environment: environmentOf(found),
    addresses: addressesOf(found),
  };
}

/** As the engine takes it: `CMD` and a program, `CMD-SHELL` and a line for the shell, `NONE`. */
function healthTestOf({ Healthcheck: check }: Inspected['Config']): readonly string[] {
  const [kind, ...words] = check?.Test ?? [];
  if (kind === 'CMD') return words;
  return kind === 'CMD-SHELL' ? ['/bin/sh', '-c', ...words] : [];
}

function environmentOf({ Config: { Env: pairs } }: Inspected): readonly string[] {
  return pairs ?? [];
}

function addressesOf({ Config: config, NetworkSettings }: Inspected): Readonly<Record<string, string>> {
  const project = config.Labels['com.docker.compose.project'] ?? '';
  const networks = Object.entries(NetworkSettings.Networks)
    .filter(([, { IPAddress }]) => IPAddress !== '')
    .map(([name, { IPAddress }]) => [name.replace(`${project}_`, ''), IPAddress] as const);
  return Object.fromEntries(networks);
}
