import { hrefOf } from '../lib/router.ts';
import { GuardSnippets } from '../ui/guard-snippets.tsx';
import { RawKey } from '../ui/secret.tsx';
import { Brand } from '../ui/shell.tsx';

/** What a person does next, with the first key filled in. */
export const SetUpDone = ({ rawKey }: { rawKey: string | undefined }) => (
  <main class="alone wide">
    <Brand />
    <h1>Keyhearth is set up</h1>
    <p class="quiet">You are signed in as the administrator.</p>
    {rawKey !== undefined && (
      <section class="card" aria-label="Your first key">
        <h2>1. Store your first key</h2>
        <p>It can do everything, so give it to no program. Keep it where you keep passwords.</p>
        <RawKey rawKey={rawKey} />
      </section>
    )}
    <section class="card" aria-label="Guard a service">
      <h2>{rawKey === undefined ? '1' : '2'}. Guard a service</h2>
      <p>
        Put Keyhearth behind your reverse proxy. The proxy asks it about each request, and lets only valid
        keys through.
      </p>
      <GuardSnippets />
    </section>
    <section class="card" aria-label="Give out keys">
      <h2>{rawKey === undefined ? '2' : '3'}. Give out keys</h2>
      <p>
        Make one key for each program, with no more scopes than it needs. Then you can revoke them one by one.
      </p>
      <div class="actions">
        <a class="button main" href={hrefOf('/keys/new')}>
          New API Key
        </a>
        <a class="button" href={hrefOf('/account')}>
          Protect your account with a second factor
        </a>
        <a class="button" href={hrefOf('/')}>
          Go to the overview
        </a>
      </div>
    </section>
  </main>
);
