import { OperatorError } from '../../domain/failure.ts';

/** Whether no transaction can take what it was given, as PostgreSQL says; what merely failed now is tried again. */
export function isPoison(error: unknown): boolean {
  if (error instanceof OperatorError) return false;
  const code = error instanceof Error && 'code' in error ? String(error.code) : '22';
  return /^(22|23)/.test(code);
}
