import type { ConfigOf } from '../../config/environment.ts';
import type { RenderedFile } from './nginx.ts';

/** A DNS record as the sink answers with it; names without a dot at their end. */
export interface SinkRecord {
  readonly type: 'A' | 'AAAA' | 'MX' | 'TXT' | 'CNAME';
  readonly name: string;
  readonly value: string;
}

/** What the sink answers with, and what leads Postal to it; to be written below the operator's folder. */
export function renderSink(
  { SINK_ADDRESS }: Pick<ConfigOf<'operator'>, 'SINK_ADDRESS'>,
  records: readonly SinkRecord[],
): readonly RenderedFile[] {
  const answers = records.map(({ type, name, value }) => ({ type, name, value }));
  return [
    {
      path: 'rendered/sink/records.json',
      content: `${JSON.stringify(answers, undefined, 2)}\n`,
      mode: 0o644,
    },
    { path: 'rendered/sink/resolv.conf', content: `nameserver ${SINK_ADDRESS}\n`, mode: 0o644 },
  ];
}
