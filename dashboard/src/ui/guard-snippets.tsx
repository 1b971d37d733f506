import { ORIGIN } from '../lib/base.ts';
import { guardSnippets } from '../lib/snippets.ts';
import { Snippets } from './snippets.tsx';

/** How a reverse proxy, or your own code, asks this service about the keys of clients. */
export const GuardSnippets = () => (
  <Snippets of={guardSnippets({ origin: ORIGIN })} label="Configuration of your proxy" />
);
