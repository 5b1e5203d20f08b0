export function together<T>(all: readonly T[], keyOf: (each: T) => string): [string, T[]][] {
  const found = new Map<string, T[]>()
  for (const each of all) found.set(keyOf(each), [...(found.get(keyOf(each)) ?? []), each])
  return [...found]
}
