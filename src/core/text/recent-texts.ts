/** Keeps what pure work gave for the last texts, also that it gave nothing: what took too long once is not tried again. */
export function keepingRecent<T extends string | undefined>(
  most: number,
  work: (text: string) => T,
): (text: string) => T {
  const kept = new Map<string, { given: T }>()
  return text => {
    const { given } = kept.get(text) ?? { given: work(text) }
    // A Map has the order in which its keys came.
    kept.delete(text)
    kept.set(text, { given })
    const [oldest] = kept.keys()
    if (kept.size > most && oldest !== undefined) kept.delete(oldest)
    return given
  }
}
