/** Values as Python prints them: the serializers put them into their words. */

export const isObject = (raw: unknown): raw is Record<string, unknown> =>
  typeof raw === 'object' && raw !== null && !Array.isArray(raw)

/** `type(value).__name__` */
export function pythonType(raw: unknown): string {
  if (raw === null || raw === undefined) return 'NoneType'
  if (Array.isArray(raw)) return 'list'
  if (typeof raw === 'string') return 'str'
  if (typeof raw === 'boolean') return 'bool'
  if (typeof raw === 'number') return Number.isInteger(raw) ? 'int' : 'float'
  return 'dict'
}

/** `str(value)` */
export const pythonText = (raw: unknown): string => (typeof raw === 'string' ? raw : pythonRepr(raw))

function pythonRepr(raw: unknown): string {
  if (raw === null || raw === undefined) return 'None'
  if (typeof raw === 'boolean') return raw ? 'True' : 'False'
  if (typeof raw === 'string') return quoted(raw)
  if (Array.isArray(raw)) return `[${raw.map(pythonRepr).join(', ')}]`
  if (!isObject(raw)) return String(raw)
  return `{${Object.entries(raw)
    .map(([key, value]) => `${quoted(key)}: ${pythonRepr(value)}`)
    .join(', ')}}`
}

function quoted(text: string): string {
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'"
  const inner = JSON.stringify(text).slice(1, -1).replaceAll('\\"', '"')
  return `${quote}${quote === "'" ? inner.replaceAll("'", "\\'") : inner}${quote}`
}

const spaces = '[\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000]+'
const around = new RegExp(`^${spaces}|${spaces}$`, 'g')

/** `str.strip()`, which knows other spaces than `trim`. */
export const stripped = (text: string): string => text.replace(around, '')

/** What Python's `uuid.UUID` takes for one, in the canonical form. */

const digitsOfUuid = /^\s*[+-]?(?:0x_?)?[0-9a-f]+(?:_[0-9a-f]+)*\s*$/i

/** Any integer of 128 bits, and 32 digits however they are dressed. */
export function uuidOf(raw: unknown): string | undefined {
  if (typeof raw === 'boolean') return uuidOf(Number(raw))
  if (typeof raw === 'number')
    return Number.isInteger(raw) && raw >= 0 && raw < 2 ** 128 ? dashed(BigInt(raw).toString(16)) : undefined
  if (typeof raw !== 'string') return undefined
  const bare = raw
    .replaceAll('urn:', '')
    .replaceAll('uuid:', '')
    .replace(/^[{}]+|[{}]+$/g, '')
    .replaceAll('-', '')
  if (bare.length !== 32 || !digitsOfUuid.test(bare)) return undefined
  return dashed(
    bare
      .trim()
      .toLowerCase()
      .replace(/[+_]|0x/g, ''),
  )
}

const dashed = (digits: string): string =>
  digits.padStart(32, '0').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')

const canonicalUuid = /^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$/i

/** In an address. */
export const isUuid = (text: string): boolean => canonicalUuid.test(text)
