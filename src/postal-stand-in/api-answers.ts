import { type RubyValue } from './ruby-json.ts';

/** What a call of Postal's API comes to before it is put into its envelope. */
export type ApiAnswer =
  | {
      readonly status: 'success' | 'error' | 'parameter-error';
      readonly data: RubyValue;
      readonly delayMs?: number;
    }
  | { readonly status: 'broken' }
  | { readonly status: 'dropped' };

/** A call's parameters as they came, unchecked. */
export type ApiParams = Readonly<Record<string, unknown>>;

/** An answer whose status is `success`. */
export function success(data: RubyValue): ApiAnswer {
  return { status: 'success', data };
}

/** An error of Postal's catalogue; the code comes last, as Postal writes it. */
export function failure(code: string, data: { readonly [name: string]: RubyValue } = {}): ApiAnswer {
  return { status: 'error', data: { ...data, code } };
}

/** The answer to a call that lacks a parameter. */
export function missing(name: string): ApiAnswer {
  return { status: 'parameter-error', data: { message: `\`${name}\` parameter is required but is missing` } };
}

/** What Rails calls blank: nothing, an empty or white text, an empty list, false. */
export function isBlank(value: unknown): boolean {
  if (typeof value === 'string') return value.trim() === '';
  if (Array.isArray(value)) return value.length === 0;
  return value === undefined || value === null || value === false;
}
