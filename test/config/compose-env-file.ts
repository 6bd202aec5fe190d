/**
 * Docker Compose's rules for a `.env`, from its documentation (docs.docker.com, "Syntax for environment files in Docker Compose")
 * and the escapes that compose-go's own tests state. Written for tests: what it does not know it throws on.
 */
export function parseAsCompose(content: string): ReadonlyMap<string, string> {
  const values = new Map<string, string>();
  let rest = content.replace(/^\uFEFF/, '').replaceAll('\r\n', '\n');
  for (;;) {
    rest = rest.replace(/^(?:[\s\u0085]+|#[^\n]*)+/, '');
    if (rest === '') return values;
    const [statement, name = ''] =
      /^(?:export\s+)?([A-Za-z_][\w.-]*)[^\S\n]*=[^\S\n]*/.exec(rest) ?? fail(`no statement: ${rest}`);
    const value = readValue(rest.slice(statement.length), values);
    values.set(name, value.text);
    rest = value.rest;
  }
}

interface Value {
  readonly text: string;
  readonly rest: string;
}

function readValue(text: string, earlier: ReadonlyMap<string, string>): Value {
  const quote = text.charAt(0);
  if (quote === "'" || quote === '"') return readQuoted(text, quote, earlier);
  const end = text.indexOf('\n');
  const line = end < 0 ? text : text.slice(0, end);
  const written = (line.split(' #')[0] ?? '').replace(/[\s\u0085]+$/, '');
  return { text: interpolate(written, earlier), rest: end < 0 ? '' : text.slice(end) };
}

/** A quote ends at the first of its kind without a backslash before it, which may be lines below. */
function readQuoted(text: string, quote: string, earlier: ReadonlyMap<string, string>): Value {
  let value = '';
  for (let at = 1; at < text.length; at += 1) {
    const letter = text.charAt(at);
    if (letter === quote) {
      const whole = quote === '"' ? interpolate(unescape(value), earlier) : value;
      return { text: whole, rest: text.slice(at + 1) };
    }
    if (letter !== '\\') value += letter;
    else {
      at += 1;
      value += text.charAt(at) === quote ? quote : `\\${text.charAt(at)}`;
    }
  }
  return fail('a quote is not closed');
}

function unescape(text: string): string {
  const escapes: Record<string, string> = { n: '\n', r: '\r', t: '\t', '\\': '\\' };
  return text.replaceAll(/\\(.)/g, (whole, letter: string) => escapes[letter] ?? whole);
}

function interpolate(text: string, earlier: ReadonlyMap<string, string>): string {
  return text.replaceAll(/\\?\$(?:\{(\w+)\}|(\w+)|\$)/g, (whole, braced?: string, bare?: string) =>
    whole.startsWith('\\') ? whole.slice(1) : (earlier.get(braced ?? bare ?? '') ?? ''),
  );
}

function fail(why: string): never {
  throw new Error(`Compose would refuse it: ${why}`);
}
