/** A condition that holds for a value, if one is given; `place` is where the value goes, such as `$1`. */
export type Given = readonly [value: unknown, condition: (place: string) => string];

/**
 * The conditions of the values that are given, numbered from `$1`, and those values. Each condition stands for itself: behind "is not
 * given, or …" PostgreSQL finds nothing through an index, and looks at every row that is stored.
 */
export function given(wanted: readonly Given[]): {
  readonly conditions: readonly string[];
  readonly values: readonly unknown[];
} {
  const there = wanted.filter(([value]) => value !== undefined);
  return {
    conditions: there.map(([, condition], index) => condition(`$${index + 1}`)),
    values: there.map(([value]) => value),
  };
}
