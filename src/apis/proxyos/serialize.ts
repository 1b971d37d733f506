import superjson from 'superjson';

type Serialized = ReturnType<typeof superjson.serialize>;

/** superjson writes the type beside the path of a value. These are the types that our answers have. */
type Annotations = Record<string, ['Date'] | ['undefined']>;

const isPlainObject = (value: object): value is Record<string, unknown> =>
  Object.getPrototypeOf(value) === Object.prototype;

/** A name that superjson escapes in a path, or handles otherwise. */
const UNUSUAL = /[.\\]|^$|^(?:__proto__|constructor|prototype)$/;

class Unusual extends Error {}

/** @throws Unusual for a value that only superjson can write */
function write(value: unknown, path: string, annotations: Annotations): unknown {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return value;
  if (typeof value === 'number' && Number.isFinite(value) && !Object.is(value, -0)) return value;
  if (value === undefined) {
    annotations[path] = ['undefined'];
    return null;
  }
  if (value instanceof Date && !Number.isNaN(value.getTime())) {
    annotations[path] = ['Date'];
    return value.toISOString();
  }
  const prefix = path === '' ? '' : `${path}.`;
  if (Array.isArray(value)) return value.map((each, index) => write(each, prefix + index, annotations));
  if (typeof value !== 'object' || !isPlainObject(value)) throw new Unusual();
  const written: Record<string, unknown> = {};
  for (const name of Object.keys(value)) {
    if (UNUSUAL.test(name)) throw new Unusual();
    written[name] = write(value[name], prefix + name, annotations);
  }
  return written;
}

/**
 * The same as `superjson.serialize`, in a quarter of the time, for what our procedures answer: trees of plain objects,
 * lists and dates. superjson compares each value with all types that it knows.
 */
export function serialize(value: unknown): Serialized {
  const annotations: Annotations = {};
  try {
    const json = write(value, '', annotations) as Serialized['json'];
    if (Object.keys(annotations).length === 0) return { json };
    return '' in annotations ? superjson.serialize(value) : { json, meta: { values: annotations, v: 1 } };
  } catch (error) {
    if (error instanceof Unusual) return superjson.serialize(value);
    throw error;
  }
}
