import fc, { type Arbitrary } from 'fast-check';

/** The part of JSON Schema that the api's description uses. */
export interface JsonSchema {
  readonly type?: string | readonly string[];
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly JsonSchema[];
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly items?: JsonSchema;
  readonly pattern?: string;
  readonly format?: string;
  readonly contentEncoding?: string;
  readonly minimum?: number;
  readonly maximum?: number;
}

const addresses = fc.constantFrom(
  'ann@example.com',
  'Ann <ann@example.com>',
  '"A, B" <a.b@x.test>',
  'nobody',
  '',
);

/** Words that have broken mail software before. */
const nasty = fc.constantFrom(
  '\u0000',
  '\r\nBcc: eve@example.com',
  '\ud800',
  '\u202e',
  '__proto__',
  "' or 1=1 --",
  '$1',
  '{{x}}',
  '%00',
  '../..',
  'x'.repeat(3000),
);

const text = fc.oneof(fc.string(), fc.string({ unit: 'binary' }), nasty, addresses);

/** Mostly what fits, and now and then anything. */
function mostly<T>(fits: Arbitrary<T>, anything: Arbitrary<T>): Arbitrary<T> {
  return fc.oneof({ weight: 12, arbitrary: fits }, { weight: 1, arbitrary: anything });
}

/** Values that mostly fit a schema, so that they come past the first check, and sometimes do not. */
export function nearly(schema: JsonSchema): Arbitrary<unknown> {
  return fc.oneof({ weight: 30, arbitrary: fitting(schema) }, { weight: 1, arbitrary: fc.jsonValue() });
}

function fitting(schema: JsonSchema): Arbitrary<unknown> {
  if (schema.enum) return fc.constantFrom(...schema.enum);
  if (schema.anyOf) return fc.oneof(...schema.anyOf.map(nearly));
  switch (schema.type) {
    case 'object':
      return objects(schema);
    case 'array':
      return fc.array(nearly(schema.items ?? {}), { maxLength: 4 });
    case 'integer':
    case 'number':
      return mostly<number>(
        fc.integer({ min: schema.minimum ?? 0, max: schema.maximum ?? 1000 }),
        fc.double(),
      );
    case 'string':
      return strings(schema);
    default:
      return fc.jsonValue();
  }
}

function objects({ properties, required = [] }: JsonSchema): Arbitrary<unknown> {
  if (!properties)
    return fc.dictionary(mostly(fc.constantFrom('X-A', 'X-B'), text), mostly(fc.string(), text), {
      maxKeys: 3,
    });
  const model = Object.fromEntries(Object.entries(properties).map(([name, part]) => [name, nearly(part)]));
  return fc.record(model, { requiredKeys: [...required] });
}

function strings({ format, contentEncoding, pattern }: JsonSchema): Arbitrary<string> {
  if (format === 'date-time') return mostly(times, text);
  if (contentEncoding === 'base64') return mostly(fc.base64String(), text);
  if (pattern === undefined || pattern.length > 100)
    return mostly(fc.oneof({ weight: 5, arbitrary: addresses }, { weight: 1, arbitrary: urls }), text);
  return mostly(fc.stringMatching(new RegExp(pattern)), text);
}

const urls = fc.constant('https://ams.example.com/hook');

const times = fc
  .date({ noInvalidDate: true, min: new Date('2020-01-01T00:00:00Z'), max: new Date('2030-01-01T00:00:00Z') })
  .map((date) => date.toISOString());
