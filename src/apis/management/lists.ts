import { type Document, isNode, isScalar, isSeq } from 'yaml';

/** Changes of a list in the file. Items that stay keep their nodes, and with them their comments. */

export const valuesOf = (document: Document, name: string): unknown[] => {
  const value: unknown = document.toJS()?.[name];
  return Array.isArray(value) ? value : [];
};

/** Makes the list have these values. */
export function setValues(document: Document, name: string, values: readonly unknown[]): void {
  const list = document.get(name, true);
  if (!isSeq(list)) return void document.set(name, document.createNode(values));
  const kept = Map.groupBy(list.items, (item) => JSON.stringify(isNode(item) ? item.toJS(document) : item));
  list.items = values.map((value) => kept.get(JSON.stringify(value))?.shift() ?? document.createNode(value));
}

/** Replaces one value. A key that gets a new value keeps the comment of the old one, because that is its label. */
export function setValue(document: Document, name: string, index: number, value: unknown): void {
  const list = document.get(name, true);
  const item = isSeq(list) ? list.items[index] : undefined;
  if (isScalar(item)) item.value = value;
  else document.setIn([name, index], document.createNode(value));
}

export const removeValue = (document: Document, name: string, index: number): void =>
  void document.deleteIn([name, index]);
