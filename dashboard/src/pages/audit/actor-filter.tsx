import { useState } from 'preact/hooks';
import { api, body } from '../../lib/api.ts';
import { place, setQuery } from '../../lib/router.ts';
import { isAdmin } from '../../lib/session.ts';
import { useLoad } from '../../lib/use-load.ts';
import { Choice, TextFilter } from '../../ui/filter.tsx';

const BY_ID = 'by id';

const ById = () => <TextFilter label="Who, by id" name="actor" />;

/** Whose events are shown. An admin chooses a person; a key, or who is deleted, is found by id. */
export function ActorFilter() {
  const admin = isAdmin();
  const [people] = useLoad(
    async () => (admin ? (await body(api.auth.accounts.$get())).accounts : undefined),
    [admin],
  );
  const [isById, setById] = useState(false);
  const actor = place.value.query.get('actor') ?? '';
  if (!people.value) return <ById />;

  const isOther = actor !== '' && people.value.every(({ id }) => id !== actor);
  const choose = (value: string) => {
    setById(value === BY_ID);
    setQuery({ actor: value === BY_ID ? undefined : value, cursor: undefined, page: undefined });
  };
  return (
    <>
      <Choice
        label="Who"
        name="actor"
        value={isById || isOther ? BY_ID : actor}
        onChange={choose}
        options={[
          ['', 'Everybody'],
          ...people.value.map(({ id, email }) => [id, email] as const),
          [BY_ID, 'Somebody else, by id'],
        ]}
      />
      {(isById || isOther) && <ById />}
    </>
  );
}
