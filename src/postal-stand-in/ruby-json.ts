const isFloat = Symbol('float');

/** A number that Ruby keeps as a Float, so that a whole one prints as `1.0`. */
export interface RubyFloat {
  readonly [isFloat]: number;
}

export type RubyValue =
  | null
  | boolean
  | number
  | string
  | RubyFloat
  | readonly RubyValue[]
  | { readonly [name: string]: RubyValue };

/** Marks a number as a Float for `rubyJson`. */
export function float(value: number): RubyFloat {
  return { [isFloat]: value };
}

/** JSON text as Rails writes it: no spaces, and `<`, `>`, `&`, U+2028, U+2029 escaped inside strings. */
export function rubyJson(value: RubyValue): string {
  if (Array.isArray(value)) return `[${value.map(rubyJson).join(',')}]`;
  if (typeof value === 'string') return rubyString(value);
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  if (isFloat in value) return rubyFloat(value);
  const members = Object.entries(value).map(([name, part]) => `${rubyString(name)}:${rubyJson(part)}`);
  return `{${members.join(',')}}`;
}

function rubyFloat(value: RubyValue & object): string {
  const number = Number(Reflect.get(value, isFloat));
  return Number.isInteger(number) ? `${number}.0` : String(number);
}

function rubyString(text: string): string {
  return JSON.stringify(text).replaceAll(
    /[<>&\u2028\u2029]/g,
    (letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
