import { z } from 'zod';

/** Longer than any password, so that the reason of a refusal is the length of the password. */
const MAX_PASSWORD_TEXT = 2_048;

export const EmailSchema = z
  .email({ error: 'must be an e-mail address' })
  .max(254, { error: 'must be at most 254 characters' });

export const PasswordSchema = z
  .string()
  .max(MAX_PASSWORD_TEXT, { error: 'must have at most 512 characters' });
