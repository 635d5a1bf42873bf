/**
 * Items in an order that can be gone through again and again: an array is one, and so is what is too long for memory. Of
 * files, one that is not an array is in the order of their paths' bytes.
 */
export interface List<Item> extends Iterable<Item> {
  readonly length: number;
}

/** What `change` makes of each item, each time that the list is gone through. */
export function mapped<Item, Result>(list: List<Item>, change: (item: Item) => Result): List<Result> {
  if (Array.isArray(list)) return list.map((item) => change(item));
  return { length: list.length, [Symbol.iterator]: () => Iterator.from(list).map((item) => change(item)) };
}

/** The items that are wanted. */
export function filtered<Item>(list: List<Item>, isWanted: (item: Item) => boolean): List<Item> {
  if (Array.isArray(list)) return list.filter((item) => isWanted(item));
  const wanted = () => Iterator.from(list).filter((item) => isWanted(item));
  let length = 0;
  for (const _ of wanted()) length += 1;
  return { length, [Symbol.iterator]: wanted };
}
