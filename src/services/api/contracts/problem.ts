import { z } from 'zod';

/** Every error of the api (RFC 9457), as `application/problem+json`. */
export const problem = z.object({
  type: z.string(),
  title: z.string(),
  status: z.number().int(),
  detail: z.string(),
  code: z.string(),
  field: z.string().optional(),
  retryable: z.boolean(),
  request_id: z.string(),
});

/** The responses that every operation may give beside its own. */
export const problemResponses = {
  '4xx': {
    description: 'The request was refused',
    content: { 'application/problem+json': { schema: problem } },
  },
  '5xx': { description: 'The api failed', content: { 'application/problem+json': { schema: problem } } },
};
