import { type KeyDraft, type ScopeChoice, scopesOf } from '../lib/key-draft.ts';
import { grantableScopes, mayGrantEverything, mayTypeScopes } from '../lib/scopes.ts';
import { Choice, Group } from './form-group.tsx';
import { ScopesField } from './scopes-field.tsx';

type PickerProps = { draft: KeyDraft; onChange: (changes: Partial<KeyDraft>) => void };

/** What a key may do. Nobody can give a key more than they have, so the list has only that. */
export function ScopePicker({ draft, onChange }: PickerProps) {
  const offered = grantableScopes();
  const mayType = mayTypeScopes();
  const maySome = offered.length > 0 || mayType;
  const isSome = draft.scopeChoice === 'some';
  const choice = (value: ScopeChoice, title: string, explanation: string) => (
    <Choice
      type="radio"
      name="scope-choice"
      isChosen={draft.scopeChoice === value}
      onChange={() => onChange({ scopeChoice: value })}
      title={title}
    >
      {explanation}
    </Choice>
  );

  return (
    // The field for typed scopes shows the errors itself.
    <Group
      label="What the key may do"
      name={isSome && mayType ? 'scope-choice' : 'scopes'}
      entries={scopesOf(draft)}
    >
      {choice(
        'none',
        'Only prove that it is valid',
        'For a client of a service behind Keyhearth. It needs no scope.',
      )}
      {maySome && choice('some', 'What you choose', 'Give it the scopes that it needs, and no more.')}
      {isSome && (
        <div class="nested">
          <ScopesField
            label="Scopes"
            offered={offered}
            mayType={mayType}
            value={draft.scopes}
            onInput={(scopes) => onChange({ scopes })}
          />
        </div>
      )}
      {mayGrantEverything() &&
        choice('all', 'Everything', 'The scope *. For a program that manages all keys.')}
      {draft.scopeChoice === 'all' && (
        <p class="message warn">
          This is dangerous. A program with this key can read, create and delete every key, and use all
          services behind Keyhearth. Give it an expiry, or restrict its addresses.
        </p>
      )}
      {!maySome && (
        <p class="hint">
          Your account has no scopes that you could give to a key. Ask an administrator if you need some.
        </p>
      )}
    </Group>
  );
}
