/**
 * Makes a value when it is first asked for. An `LRUCache` takes memory for all its entries when it is made, and the caches
 * of a service that is never asked would take a fifth of its start.
 */
export function lazily<Value extends {}>(make: () => Value): () => Value {
  let value: Value | undefined;
  return () => {
    value ??= make();
    return value;
  };
}
