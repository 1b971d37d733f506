import { InvalidArgumentError, Option } from 'commander';

/** Parsers for arguments. The service checks the rest, and names what is wrong. */

/** An option whose help and completion show these values. A newer service may take more. */
export function suggesting(flags: string, description: string, values: readonly string[]): Option {
  const option = new Option(flags, description);
  option.argChoices = [...values];

  return option;
}

/** A whole number, 1 or more, such as the id of a key. */
export function positive(text: string): number {
  if (!/^[1-9]\d{0,14}$/.test(text)) throw new InvalidArgumentError('It must be a whole number, 1 or more.');
  return Number(text);
}

/** A date is its first moment in UTC. */
export const time = (text: string): string => (/^\d{4}-\d\d-\d\d$/.test(text) ? `${text}T00:00:00Z` : text);

/** The same, or seconds since 1970. */
export const timeOrSeconds = (text: string): string | number =>
  /^\d+$/.test(text) ? Number(text) : time(text);

/** The service would take a number as seconds, and a person may have meant days. */
export function duration(text: string): string {
  if (/^\d+$/.test(text)) throw new InvalidArgumentError('It must have a unit: s, m, h or d, such as 90d.');
  return text;
}

/** For an option that can be repeated. */
export const collect = (text: string, before: readonly string[] = []): string[] => [...before, text];

export type RateLimit = { name: string; limit: number; window: string };

/** `burst=100/1m` */
export function rateLimits(text: string, before: readonly RateLimit[] = []): RateLimit[] {
  const { name, limit, window } = /^(?<name>[^=]+)=(?<limit>\d+)\/(?<window>\w+)$/.exec(text)?.groups ?? {};
  if (name === undefined || window === undefined)
    throw new InvalidArgumentError('It must have the form NAME=LIMIT/WINDOW, such as burst=100/1m.');
  return [...before, { name, limit: Number(limit), window }];
}

export function jsonObject(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value };
  } catch {
    // It gets the sentence below.
  }
  throw new InvalidArgumentError('It must be a JSON object, such as {"team": "billing"}.');
}
