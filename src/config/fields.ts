import { z } from 'zod';

/** The values of the variables of a schema. */
export type Values<Shape extends z.ZodRawShape> = z.output<z.ZodObject<Shape>>;

/** A whole number in decimal digits. */
export function integer(least: number, most: number) {
  const error = `must be a whole number from ${least} to ${most}`;
  return z
    .string()
    .regex(/^\d{1,9}$/, { error, abort: true })
    .transform(Number)
    .refine((value) => value >= least && value <= most, { error });
}

export const nonEmpty = () => z.string().min(1, { error: 'must not be empty' });

/** A secret, without the line end that editors and `echo` leave behind it. */
export const secret = () => z.string().trim();
