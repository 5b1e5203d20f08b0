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

/** `len(json.dumps(value))`: spaces after commas and colons, and everything beyond ASCII escaped. */
export function dumpedLength(raw: unknown): number {
  const list = (sizes: number[]) =>
    2 + sizes.reduce((sum, size) => sum + size, 0) + 2 * Math.max(0, sizes.length - 1)
  if (Array.isArray(raw)) return list(raw.map(dumpedLength))
  if (isObject(raw))
    return list(Object.entries(raw).map(([key, value]) => dumpedLength(key) + 2 + dumpedLength(value)))
  const text = JSON.stringify(raw ?? null)
  return text.length + 5 * (text.match(/[\u007f-\uffff]/g)?.length ?? 0)
}

const spaces = '[\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000]+'
const around = new RegExp(`^${spaces}|${spaces}$`, 'g')

/** `str.strip()`, which knows other spaces than `trim`. */
export const stripped = (text: string): string => text.replace(around, '')
