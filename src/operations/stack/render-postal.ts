import type { ConfigOf } from '../../config/environment.ts';
import { hasSink } from '../../config/profiles.ts';
import { reloadSeconds } from '../tls/render.ts';
import { sinkFolder } from './fixed.ts';
import type { Blueprint, Values } from './compose-values.ts';

/** What the services of Postal are filled with. */
export function postalOf({
  config,
  pinned,
  digests,
}: Pick<Blueprint, 'config' | 'pinned' | 'digests'>): Values {
  return {
    image: pinned[config.POSTAL_IMAGE] ?? config.POSTAL_IMAGE,
    memory: config.POSTAL_MEMORY,
    configuration: digests.postal,
    senderConfiguration: digests.postalSenders,
    hostname: config.POSTAL_HOSTNAME,
    publishAddress: config.PUBLISH_ADDRESS,
    publishSmtp: config.PUBLISH_SMTP,
    reloadSeconds: reloadSeconds(config),
    ...outsideOf(config),
  };
}

/** Where the sink stands for the outside world Postal asks nobody else what a name means. */
function outsideOf(config: ConfigOf<'operator'>): Values {
  if (!hasSink(config)) return { dns: '', resolver: '' };
  return {
    dns: `\n    dns: ["${config.SINK_ADDRESS}"]`,
    resolver: `\n      - ./rendered/sink:${sinkFolder}:ro`,
  };
}
