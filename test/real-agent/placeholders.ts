/** What differs from one recording to the next, and says nothing: ids, paths, ports, lengths of time. */

const longest = 3_000

/** @param known texts to replace, by the name of their placeholder; longer ones first */
export function withPlaceholders<T extends object>(value: T, known: Record<string, string>): T {
  const numbers = { v7: new Map<string, string>(), other: new Map<string, string>() }
  const numbered = (kind: 'v7' | 'other', id: string): string => {
    const named = numbers[kind].get(id) ?? `<${kind === 'v7' ? 'v7-id' : 'id'}-${numbers[kind].size + 1}>`
    numbers[kind].set(id, named)
    return named
  }
  const replace = (text: string): string => {
    const paths = Object.entries(known).toSorted(([, a], [, b]) => b.length - a.length)
    const named = paths.reduce((shown, [name, found]) => shown.replaceAll(found, `<${name}>`), text)
    return named
      .replace(uuid, id => numbered(id[14] === '7' ? 'v7' : 'other', id))
      .replace(/Chunk ID: \w+/g, 'Chunk ID: <chunk>')
      .replace(/Wall time: [\d.]+ seconds/g, 'Wall time: <n> seconds')
      .replace(/127\.0\.0\.1:\d+/g, '127.0.0.1:<port>')
  }
  const cut = (text: string) =>
    text.length > longest ? `${text.slice(0, longest)}…<${text.length} characters>` : text
  const shown = (given: unknown, key = ''): unknown => {
    if (typeof given === 'string') return key.endsWith('event_id') ? '<event-id>' : cut(replace(given))
    if (Array.isArray(given)) return given.map(each => shown(each))
    if (typeof given !== 'object' || given === null) return given
    return Object.fromEntries(Object.entries(given).map(([name, inner]) => [name, shown(inner, name)]))
  }
  return shown(value) as T
}

const uuid = /\b[\da-f]{8}-[\da-f]{4}-[\da-f]{4}-[\da-f]{4}-[\da-f]{12}\b/g
