import { andThen, type MaybePromise } from '../../lib/maybe-promise.ts';
import type { KeyPrincipal, Owner } from '../../lib/principal.ts';
import type { KeyAuthenticator, Verification } from '../authenticator.ts';
import { isAccessToken } from './access-token.ts';

/**
 * API keys of accounts, each of which acts for its person. A key of no account is valid elsewhere, so it is refused here
 * and does not count as a guess.
 * @param lacksTwoFactor whether an account needs a second factor that it does not have
 */
export function accountKeyAuthenticator(
  keys: KeyAuthenticator,
  lacksTwoFactor: (owner: Owner) => MaybePromise<boolean>,
): KeyAuthenticator {
  function ofAccount(verification: Verification<KeyPrincipal>): MaybePromise<Verification<KeyPrincipal>> {
    if (verification.state === 'unproven') {
      const { prove } = verification;
      return { ...verification, prove: async (...waiter) => ofAccount(await prove(...waiter)) };
    }
    if (verification.state !== 'valid') return verification;
    const { principal } = verification;
    if (!principal.account) return { state: 'unsuitable' };
    return andThen(lacksTwoFactor(principal.account), (lacks) =>
      lacks ? { ...verification, principal: { ...principal, lacksTwoFactor: true } } : verification,
    );
  }

  return {
    ...keys,
    read: (header) => keys.read(header).filter((credential) => !isAccessToken(credential)),
    verify: (credential, ip) => andThen(keys.verify(credential, ip), ofAccount),
  };
}
