/** U+0000 and lone surrogates, neither of which PostgreSQL can store. */
const UNSTORABLE = /[\0\p{Surrogate}]/gu

export function storableText(text: string): string {
  return text.replace(UNSTORABLE, '\u{FFFD}')
}

/** In JSON they are escaped; an escape typed by somebody looks alike and is checked closer. */
const MAY_BE_UNSTORABLE = /\\u(?:0000|d[89a-f])/

export function storableJson(json: string): string {
  if (!MAY_BE_UNSTORABLE.test(json)) return json
  const clean = (_key: string, value: unknown) => (typeof value === 'string' ? storableText(value) : value)
  return JSON.stringify(JSON.parse(json), clean)
}

export function storable(data: unknown): unknown {
  const json = JSON.stringify(data ?? null)
  const clean = storableJson(json)
  return clean === json ? (data ?? null) : JSON.parse(clean)
}
