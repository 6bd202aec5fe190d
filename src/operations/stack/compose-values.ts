import type { ConfigOf } from '../../config/environment.ts';
import type { Sources } from '../../config/resolve.ts';
import type { PlatformNames } from '../tls/names.ts';

/** All that compose.yaml is made from. */
export interface Blueprint {
  readonly config: ConfigOf<'operator'>;
  readonly sources: Sources;
  /** The image of our own services. */
  readonly image: string;
  readonly names: PlatformNames;
  /** What names the content of files that a process reads once: where it changes, its container is made anew. */
  readonly digests: Readonly<Record<'mariadb' | 'redis' | 'postal' | 'postalSenders', string>>;
  /** Digests by image name, as they were at the first pull. */
  readonly pinned: Readonly<Record<string, string>>;
}

/** What a template is filled with. */
export type Values = Readonly<Record<string, string | number>>;
