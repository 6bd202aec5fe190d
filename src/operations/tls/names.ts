import type { ConfigOf } from '../../config/environment.ts';

/** What names the platform has: one certificate each, so that a name that fails holds up no other. */
export interface PlatformNames {
  readonly api: string;
  /** Postal's pages and its SMTP server. */
  readonly postal: string;
  readonly relay: string;
  /** Where tracked links and pixels point. */
  readonly tracking: readonly string[];
}

type Named = Pick<ConfigOf<'operator'>, 'API_URL' | 'POSTAL_HOSTNAME' | 'RELAY_HOSTNAME'>;

/** The platform's names: those of the configuration, and the tracking names of the sending domains. */
export function platformNames(config: Named, tracking: readonly string[]): PlatformNames {
  return {
    api: new URL(config.API_URL).hostname,
    postal: config.POSTAL_HOSTNAME,
    relay: config.RELAY_HOSTNAME,
    tracking,
  };
}

/** Every name once: those that need a certificate. */
export function certifiedNames({ api, postal, relay, tracking }: PlatformNames): readonly string[] {
  return [...new Set([relay, api, postal, ...tracking])];
}
