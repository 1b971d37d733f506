import type { OAuthProvider, Protocol } from '../gateway-file/config.ts';

type Rules = Readonly<{
  /** The `type` of its token files, as CLI Proxy API writes it. */
  type: string;
  /** How the upstream that takes its tokens is asked. */
  protocol: Protocol;
  /** Parameters of the authorization request that the provider needs before it gives a refresh token. */
  parameters: Readonly<Record<string, string>>;
}>;

const OFFLINE = { access_type: 'offline', prompt: 'consent' };

export const providers: Readonly<Record<OAuthProvider, Rules>> = {
  anthropic: { type: 'claude', protocol: 'claude', parameters: {} },
  codex: { type: 'codex', protocol: 'codex', parameters: {} },
  google: { type: 'gemini', protocol: 'gemini', parameters: OFFLINE },
  iflow: { type: 'iflow', protocol: 'openai', parameters: {} },
  antigravity: { type: 'antigravity', protocol: 'gemini', parameters: OFFLINE },
};

/** What a token file or the form field `channel` can say. */
const byName: Readonly<Record<string, OAuthProvider>> = {
  anthropic: 'anthropic',
  claude: 'anthropic',
  codex: 'codex',
  google: 'google',
  gemini: 'google',
  'gemini-cli': 'google',
  vertex: 'google',
  aistudio: 'google',
  iflow: 'iflow',
  antigravity: 'antigravity',
};

/** The provider that a name stands for; undefined for any other text. */
export const providerOf = (name: string): OAuthProvider | undefined =>
  Object.hasOwn(byName, name.toLowerCase()) ? byName[name.toLowerCase()] : undefined;
