import { scopes, type Scope } from '../../domain/api-key.ts';
import { OperatorError } from '../../domain/failure.ts';
import { type KeyKind, keyKinds } from '../../domain/key.ts';
import { formatRequestRate } from '../../domain/request-rate.ts';
import type { Secret } from '../../domain/secret.ts';
import type { Runtime } from '../../runtime.ts';
import { createApiKey } from '../../upkeep/access.ts';
import type { KeyBounds } from '../../store/api-keys.ts';
import type { Plan } from '../plan.ts';
import { keyBoundsInWords } from './bounds.ts';

/** The key that was made; its secret is shown this once. */
export interface CreatedKey {
  readonly key: {
    readonly kind: 'api';
    readonly name: string;
    readonly scopes: readonly string[];
    readonly expires_at: string | null;
    /** CIDR; none means from anywhere. */
    readonly networks: readonly string[];
    /** Such as `100/1m`; null means the rate of all keys. */
    readonly rate: string | null;
  };
  /** Absent on a dry run. */
  readonly secret?: string;
  /** A request that uses it; the key is taken from the variable KEY. */
  readonly try: string;
}

export interface WantedKey {
  /** Only those of the api are made for themselves. */
  readonly kind: KeyKind;
  readonly name: string;
  readonly scopes: readonly string[];
  /** Undefined never ends. */
  readonly expiresInMs: number | undefined;
  readonly bounds: KeyBounds;
}

/** Plans a new API key. Throws `usage` for a scope that is none, and for a kind that is made elsewhere. */
export async function planKey(
  { clock, config }: Runtime,
  { kind, name, scopes: wanted, expiresInMs, bounds }: WantedKey,
): Promise<Plan<CreatedKey>> {
  const { madeBy } = keyKinds[kind];
  if (madeBy !== 'keys create') throw madeElsewhere(kind, madeBy);
  const granted = wanted.map(requireScope);
  const expiresAt = expiresInMs === undefined ? undefined : new Date(clock.now().getTime() + expiresInMs);
  const { API_URL } = await config('operator');
  let secret: Secret | undefined;
  return {
    title: `Create the API key ${name}`,
    steps: [
      {
        do: 'create-key',
        what: `store a new key ${name} for ${granted.join(', ')}, ${expiresAt ? `until ${expiresAt.toISOString()}` : 'without an end'} ${keyBoundsInWords(bounds)}`.trimEnd(),
        run: async ({ postgres, random }) => {
          secret = await createApiKey(
            { db: await postgres(), clock, random },
            { name, scopes: granted, expiresAt, ...bounds },
          );
        },
      },
    ],
    result: () => ({
      key: {
        kind: 'api',
        name,
        scopes: granted,
        expires_at: expiresAt?.toISOString() ?? null,
        networks: bounds.networks,
        rate: bounds.rate ? formatRequestRate(bounds.rate) : null,
      },
      ...(secret && { secret: secret.reveal() }),
      try: `curl ${API_URL}/v1/keys/self -H "Authorization: Bearer $KEY"`,
    }),
  };
}

function madeElsewhere(kind: KeyKind, madeBy: string): OperatorError {
  return new OperatorError('usage', `a key of the kind ${kind} is not made for itself`, {
    hint: `It is made by mailctl ${madeBy}, and replaced by mailctl keys rotate --kind ${kind}`,
    field: '--kind',
  });
}

function requireScope(word: string): Scope {
  const scope = (Object.keys(scopes) as Scope[]).find((known) => known === word);
  if (scope) return scope;
  const list = Object.entries(scopes).map(([name, means]) => `${name} (${means})`);
  throw new OperatorError('usage', `"${word}" is no scope`, {
    hint: `Scopes: ${list.join('; ')}`,
    field: '--scope',
  });
}
