import { FIELDS } from './field-list.ts';

/** How the fields of a file are called here. */
export type FieldNames = ReturnType<typeof createFieldNames>;

/**
 * @param sources the names that a file has for our fields, such as `sha256` → `token`
 * @param ignoresUnknown whether fields that are not known are left out
 */
export function createFieldNames(sources: ReadonlyMap<string, string>, ignoresUnknown: boolean) {
  const ours = new Map([...sources].map(([field, source]) => [source, field]));
  /** Our name; undefined for a field that is left out. */
  const nameOf = (name: string): string | undefined => {
    const known = ours.get(name);
    if (known !== undefined) return known;
    // A field that has another source is not this one.
    if (FIELDS.includes(name) && !sources.has(name)) return name;
    // Left out, `EXPIRES_AT` would make keys that never expire.
    const lower = name.toLowerCase();
    const isOursInAnotherCase = name !== lower && FIELDS.includes(lower) && !sources.has(lower);
    return ignoresUnknown && !isOursInAnotherCase ? undefined : name;
  };
  return {
    nameOf,
    /** The names that the file must have for that. */
    sources: [...sources.values()],
    rename(fields: Readonly<Record<string, unknown>>): Record<string, unknown> {
      if (sources.size === 0 && !ignoresUnknown) return { ...fields };
      const renamed = Object.entries(fields).flatMap(([name, value]) => {
        const known = nameOf(name);
        return known === undefined ? [] : [[known, value] as const];
      });
      // Where a file says which keys are active, the state of a key without this field is not known.
      const unknownState = sources.has('is_active') ? [['is_active', undefined] as const] : [];
      return Object.fromEntries([...unknownState, ...renamed]);
    },
  };
}
