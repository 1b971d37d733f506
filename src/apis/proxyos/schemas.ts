import { z } from 'zod';
import { isVisible } from '../../keys/label.ts';

/** Text that a person can see. A database does not take every other one. */
export const visibleText = (maxLength: number) =>
  z
    .string()
    .max(maxLength, { error: `must be at most ${maxLength} characters` })
    .refine(isVisible, {
      error: 'must be well-formed Unicode without control, direction or other invisible characters',
    });

/** Longer than any password, so that the reason of a refusal is the length of the password. */
const MAX_PASSWORD_TEXT = 2_048;

const requiredText = ({ input }: { input?: unknown }) =>
  input === undefined ? 'is required' : 'must be a string';

export const EmailSchema = z
  .string({ error: requiredText })
  .trim()
  .max(254, { error: 'must be at most 254 characters', abort: true })
  .pipe(z.email({ error: 'must be an e-mail address' }));

export const PasswordSchema = z
  .string({ error: requiredText })
  .max(MAX_PASSWORD_TEXT, { error: 'must have at most 512 characters' });
