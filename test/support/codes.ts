import { Secret, TOTP } from 'otpauth';

/** What an authenticator app shows: a second implementation would test no more, since the parameters are given here. */
export const codeAt = (secret: string, timestamp: number): string =>
  new TOTP({
    secret: Secret.fromBase32(secret),
    algorithm: 'SHA1',
    digits: 6,
    period: 30,
  }).generate({ timestamp });

/** A code that is not valid around a moment. */
export function wrongCodeAt(secret: string, timestamp: number): string {
  const near = [-2, -1, 0, 1, 2].map((steps) => codeAt(secret, timestamp + steps * 30_000));
  const code = Array.from({ length: 10 }, (_, i) => `00000${i}`).find((each) => !near.includes(each));
  return code ?? '';
}
