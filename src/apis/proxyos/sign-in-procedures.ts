import { z } from 'zod';
import type { SessionService } from '../../accounts/session-service.ts';
import type { SignIn } from '../../accounts/sign-in.ts';
import { headerReader } from '../../http/context.ts';
import { PROXYOS_COOKIE, type SessionCookies } from '../../http/session-cookie.ts';
import { readCookie } from '../../lib/cookie.ts';
import { visitorOf } from '../visitor.ts';
import { nobodyYet, presentPerson } from './present.ts';
import { PasswordSchema } from './schemas.ts';
import { secondFactorOf } from './second-factor.ts';
import { openProcedure, procedure } from './trpc.ts';

export type SignInProcedureParts = {
  signIn: SignIn;
  sessions: SessionService;
  cookies: SessionCookies;
};

const LoginSchema = z.object({
  email: z.string().max(254),
  // No account has a longer one. Without bcrypt, an attempt costs too little.
  password: PasswordSchema,
  totpCode: z.string().max(50).nullish(),
});

export const signInProcedures = ({ signIn, sessions, cookies }: SignInProcedureParts) => ({
  login: openProcedure.input(LoginSchema).mutation(async ({ ctx: { c }, input }) => {
    const { email, password, totpCode } = input;
    const attempt = { email, password, ...secondFactorOf(totpCode ?? '') };
    const result = await signIn(attempt, 'session', visitorOf(c));
    if (result.state === 'code_required') return { requiresTotp: true as const, ...nobodyYet };
    cookies.set(c, PROXYOS_COOKIE, result.token);
    return { requiresTotp: false as const, ...presentPerson(result.account) };
  }),

  logout: procedure('person before 2FA').mutation(async ({ ctx: { c } }) => {
    const token = readCookie(headerReader(c.env.incoming)('cookie'), PROXYOS_COOKIE);
    if (token !== undefined) await sessions.endByToken(token, 'session', visitorOf(c));
    cookies.clear(c, PROXYOS_COOKIE);
    return { ok: true };
  }),
});
