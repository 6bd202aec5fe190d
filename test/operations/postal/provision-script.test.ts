import { readFileSync } from 'node:fs';

import { expect, it } from 'vitest';

const script = readFileSync(new URL('../../../templates/postal/provision.rb', import.meta.url), 'utf8');

it('names its protocol in the first line and takes the question in the second alone', () => {
  const [first, second] = script.split('\n');

  expect(first).toBe('# mailctl-postal/1');
  expect(second).toBe('REQUEST = "{{request}}"');
  expect(script.match(/\{\{/g)).toHaveLength(1);
});

it('answers every question that mailctl has', () => {
  for (const ask of [
    'look',
    'apply',
    'check-dns',
    'remove-domain',
    'create-credential',
    'retire-credential',
    'set-webhook-url',
    'count-webhooks',
  ])
    expect(script).toContain(`when "${ask}"`);
});
