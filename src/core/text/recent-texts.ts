export function keepingRecent<T extends string | undefined>(
  most: number,
  work: (text: string) => T,
): (text: string) => T {
  const kept = new Map<string, { given: T }>()
  return text => {
    const { given } = kept.get(text) ?? { given: work(text) }
    kept.delete(text)
    kept.set(text, { given })
    const [oldest] = kept.keys()
    if (kept.size > most && oldest !== undefined) kept.delete(oldest)
    return given
  }
}
