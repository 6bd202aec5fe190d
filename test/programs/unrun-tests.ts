import { expect, it } from 'vitest';

it('runs', () => expect(import.meta.filename).toContain('unrun'));
it('is about root', ({ skip }) => skip('not applicable: only root can'));
it('needs an engine', ({ skip }) => skip(process.env['REASON']));
