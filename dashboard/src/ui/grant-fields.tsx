import { OWN_SCOPES } from '../lib/scopes.ts';
import { ScopesField } from './scopes-field.tsx';

export type Grant = { role: 'admin' | 'member'; scopes: readonly string[] };

const ROLES = [
  ['member', 'Member', 'Manages their own keys, which may hold the scopes that you choose here.'],
  ['admin', 'Admin', 'Manages all keys, accounts and invitations, and holds every scope.'],
] as const;

/** A member cannot hold `*`: that is what an admin is. */
const OF_MEMBERS = OWN_SCOPES.filter(([scope]) => scope !== '*');

/** What an admin grants to an account: its role, and the scopes of a member. */
export const GrantFields = ({ value, onInput }: { value: Grant; onInput: (grant: Grant) => void }) => (
  <>
    <fieldset class="field">
      <legend>Role</legend>
      {ROLES.map(([role, name, meaning]) => (
        <label class="check" key={role}>
          <input
            type="radio"
            name="role"
            value={role}
            checked={value.role === role}
            onChange={() => onInput({ ...value, role })}
          />
          <span>
            {name} <span class="quiet small">{meaning}</span>
          </span>
        </label>
      ))}
    </fieldset>
    {value.role === 'member' && (
      <ScopesField
        offered={OF_MEMBERS}
        value={value.scopes.filter((scope) => scope !== '*')}
        onInput={(scopes) => onInput({ ...value, scopes })}
      />
    )}
  </>
);

/** As the service wants it: an admin has no scopes of their own. */
export const grantOf = ({ role, scopes }: Grant) =>
  role === 'admin' ? { role } : { role, scopes: scopes.filter((scope) => scope !== '*') };
