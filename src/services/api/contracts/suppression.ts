import { z } from 'zod';

import { hasControls, isAddress } from '../../../domain/mailbox.ts';
import { longestEvidence, longestScope, suppressionReasons } from '../../../domain/suppression.ts';

const address = z
  .string()
  .refine(isAddress, { error: 'is no mail address' })
  .transform((text) => text.toLowerCase());

const scope = z
  .string()
  .max(longestScope, { error: `is longer than ${longestScope} characters` })
  .refine((text) => !hasControls(text), { error: 'holds a control character' });

const reason = z.enum(suppressionReasons, { error: `must be one of ${suppressionReasons.join(', ')}` });

/** An address to keep mail from: all of it, or what has the tag `scope`. */
export const newSuppression = z.strictObject({
  address,
  scope: scope.default(''),
  reason: reason.default('manual'),
  evidence: z
    .string()
    .max(longestEvidence)
    .refine((text) => !text.includes('\u0000'), { error: 'holds a NUL' })
    .default(''),
  expires_at: z.iso
    .datetime({ offset: true, error: 'is no time such as 2026-01-31T12:00:00Z' })
    .transform((text) => new Date(text))
    .optional(),
});

export const suppression = z.object({
  address: z.string(),
  scope: z.string(),
  reason,
  evidence: z.string(),
  created_at: z.iso.datetime(),
  expires_at: z.iso.datetime().nullable(),
});

export const suppressionPage = z.object({
  suppressions: z.array(suppression),
  next_cursor: z.string().nullable(),
});

export const suppressionQuery = z.strictObject({
  address: z.string().max(254).optional(),
  reason: reason.optional(),
  cursor: z.string().max(1024).optional(),
  limit: z.coerce.number().int().min(1).max(1000).default(100),
});

export const suppressionParams = z.object({ address: z.string().max(254) });

export const suppressionScope = z.strictObject({ scope: scope.default('') });

/** How many addresses an import named, and how many of them were new. */
export const importResult = z.object({ read: z.number().int(), added: z.number().int() });
