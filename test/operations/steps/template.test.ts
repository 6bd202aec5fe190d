import { expect, it } from 'vitest';

import { fillTemplate } from '../../../src/operations/steps/template.ts';

it('fills every name in, and leaves what only looks alike', () => {
  const template = 'listen {{port}}; # ${NAME:?set it} {"{{name}}"} {single}';
  expect(fillTemplate(template, { port: 80, name: 'a' })).toBe('listen 80; # ${NAME:?set it} {"a"} {single}');
});

it('takes a value as it is, also where it looks like a name or a pattern', () => {
  expect(fillTemplate('{{a}}', { a: '{{b}} $& $1', b: 'never' })).toBe('{{b}} $& $1');
});

it('writes nothing half filled in', () => {
  expect(() => fillTemplate('{{a}} {{b}}', { a: 'x' })).toThrow('wants a value for b');
  expect(() => fillTemplate('{{toString}}', {})).toThrow('wants a value for toString');
});
