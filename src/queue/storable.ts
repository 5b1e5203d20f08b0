/** U+0000 and lone surrogates, neither of which PostgreSQL can store. */
const UNSTORABLE = /[\0\p{Surrogate}]/gu

export function storableText(text: string): string {
  return text.replace(UNSTORABLE, '\u{FFFD}')
}

/** `data` as it will be read back: plain JSON whose texts both backends can keep. */
export function storable(data: unknown): unknown {
  const clean = (_key: string, value: unknown) => (typeof value === 'string' ? storableText(value) : value)
  return JSON.parse(JSON.stringify(data ?? null, clean))
}
