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
