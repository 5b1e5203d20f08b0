export function wordPattern(sourceFor: (word: string) => string, flags: string): (word: string) => RegExp {
  const patterns = new Map<string, RegExp>()
  return word => {
    const known = patterns.get(word)
    if (known) return known
    const pattern = new RegExp(sourceFor(word), flags)
    patterns.set(word, pattern)
    return pattern
  }
}
