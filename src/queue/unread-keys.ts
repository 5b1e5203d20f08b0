/** Keeps, when a record is saved, what a newer version put in it and this one does not know. Pure. */

type Keyed = Readonly<Record<string, unknown>>

/** Objects that differ in one of these are different things. */
const identity = ['is', 'kind', 'effect', 'says', 'by', 'in', 'of', 'id', 'number']

/** @param read what this version understood of `stored` */
export function withUnread(stored: unknown, read: unknown, next: unknown): unknown {
  if (Array.isArray(stored) && Array.isArray(read) && Array.isArray(next))
    return next.map(item => itemWithUnread(stored, read, item))
  if (!isKeyed(stored) || !isKeyed(read) || !isKeyed(next) || !isSame(read, next)) return next
  const unread = Object.entries(stored).filter(([key]) => own(read, key) === undefined)
  const known = Object.entries(next)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => [key, withUnread(own(stored, key), own(read, key), value)])
  return Object.fromEntries([...unread, ...known])
}

/** Items are matched by identity, not position. */
function itemWithUnread(stored: readonly unknown[], read: readonly unknown[], item: unknown): unknown {
  const place = read.findIndex(each => each === item || (isKeyed(each) && isKeyed(item) && named(each, item)))
  return place < 0 ? item : withUnread(stored[place], read[place], item)
}

const named = (one: Keyed, other: Keyed): boolean =>
  identity.some(key => own(one, key) !== undefined) && isSame(one, other)

const isSame = (one: Keyed, other: Keyed): boolean =>
  identity.every(key => isKeyed(own(one, key)) || own(one, key) === own(other, key))

const isKeyed = (value: unknown): value is Keyed =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const own = (value: Keyed, key: string): unknown => (Object.hasOwn(value, key) ? value[key] : undefined)
