/** Keeps what pure work gave for the last texts; `undefined`, which may be for want of time, is tried again. */
export function keepingRecent(
  most: number,
  work: (text: string) => string | undefined,
): (text: string) => string | undefined {
  const kept = new Map<string, string>()
  return text => {
    const given = kept.get(text) ?? work(text)
    if (given === undefined) return undefined
    kept.delete(text)
    kept.set(text, given)
    const [oldest] = kept.keys()
    if (kept.size > most && oldest !== undefined) kept.delete(oldest)
    return given
  }
}
