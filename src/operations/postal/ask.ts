import { z } from 'zod';

import { OperatorError } from '../../domain/failure.ts';
import type { Runtime } from '../../runtime.ts';
import { fillTemplate } from '../steps/template.ts';
import { readPostalTemplate } from './template-file.ts';

const trouble = z.union([
  z.object({ refused: z.string() }),
  z.object({
    invalid: z.object({ record: z.string(), problems: z.record(z.string(), z.array(z.string())) }),
  }),
  z.object({ failed: z.string() }),
]);

/**
 * Asks Postal one thing through our provisioning script; question and answer may hold secrets. Throws `refused` for what would
 * destroy something, `config-invalid` for what Postal does not take, `unreachable` when it cannot answer.
 */
export async function askPostal<T>(
  { postalRunner }: Pick<Runtime, 'postalRunner'>,
  ask: string,
  wanted: object,
  shape: z.ZodType<T>,
): Promise<T> {
  const request = Buffer.from(JSON.stringify({ ask, wanted })).toString('base64');
  const script = fillTemplate(await readPostalTemplate('provision.rb'), { request });
  const answer = await (await postalRunner()).ask(script);
  const failed = trouble.safeParse(answer);
  if (failed.success) throw inWords(failed.data);
  const parsed = shape.safeParse(answer);
  if (parsed.success) return parsed.data;
  throw new OperatorError('unreachable', `Postal answered otherwise than this mailctl understands (${ask})`, {
    hint: 'Check that POSTAL_RUNNER reaches a Postal 3.3: mailctl config explain POSTAL_RUNNER',
    field: 'POSTAL_RUNNER',
    cause: parsed.error,
  });
}

function inWords(answer: z.output<typeof trouble>): OperatorError {
  if ('refused' in answer) {
    return new OperatorError('refused', `Postal was left as it is: ${answer.refused}`, {
      hint: 'See what differs: mailctl postal drift',
    });
  }
  if ('failed' in answer) {
    return new OperatorError('unreachable', `Postal could not do it: ${answer.failed}`, {
      hint: "See Postal's log: mailctl logs postal-web",
    });
  }
  const { record, problems } = answer.invalid;
  const [field = 'base', words = []] = Object.entries(problems)[0] ?? [];
  return new OperatorError(
    'config-invalid',
    `Postal does not take this ${record}: ${field} ${words.join(', ')}`,
    {
      hint: 'Change it in .env or in the file that POSTAL_PROVISION_FILE names; what was made before it stays',
      field: `${record}.${field}`,
    },
  );
}
