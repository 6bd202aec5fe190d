import { expect, it } from 'vitest';

import { doesRotate, type VariableName, variablesReadBy } from '../../src/config/environment.ts';
import { kinds } from '../../src/operations/keys/kinds.ts';

const awaited = Object.entries(kinds).flatMap(([kind, { acceptors, users }]) =>
  [acceptors, users].flatMap((holders) =>
    (holders?.rooms ?? []).map((room) => ({ kind, room, variables: holders?.variables ?? [] })),
  ),
);

it.each(awaited)(
  'a rotation of $kind waits for what $room reads again while it runs',
  ({ room, variables }) => {
    const read: readonly VariableName[] = variablesReadBy(room);
    const again = variables.filter((name) => read.includes(name) && doesRotate(name));
    expect(again).toEqual(variables);
  },
);
