import { meaningOf } from '../lib/scopes.ts';

const SHOWN = 3;

/** The first scopes of a list, which may be long. */
export const ScopeChips = ({ of }: { of: readonly string[] }) =>
  of.length === 0 ? (
    <span class="quiet">none</span>
  ) : (
    <span class="row">
      {of.slice(0, SHOWN).map((scope) => (
        <span class="chip" key={scope} title={meaningOf(scope)}>
          {scope}
        </span>
      ))}
      {of.length > SHOWN && (
        <span class="quiet small" title={of.slice(SHOWN).join(' ')}>
          and {of.length - SHOWN} more
        </span>
      )}
    </span>
  );
