/** A field that names another row, as a related field of the framework reads it. */
import { type Field, fail } from './fields.ts'
import { pythonText, pythonType } from './python.ts'
import { uuidOf } from './uuid.ts'

/** The key of another row, of which `known` are there; null and an empty text are none. */
export function relation<T extends number | string>(
  keyOf: (raw: unknown) => T | undefined,
  known: readonly T[],
): Field<T | null> {
  return {
    required: false,
    read: raw => {
      if (raw === null || raw === '') return null
      if (typeof raw === 'boolean')
        return fail('Incorrect type. Expected pk value, received bool.', 'incorrect_type')
      const key = keyOf(raw)
      if (key !== undefined && known.includes(key)) return key
      return fail(`Invalid pk "${pythonText(raw)}" - object does not exist.`, 'does_not_exist')
    },
  }
}

const incorrectType = (raw: unknown): never =>
  fail(`Incorrect type. Expected pk value, received ${pythonType(raw)}.`, 'incorrect_type')

export const numericKey = (raw: unknown): number =>
  typeof raw === 'number' ? Math.trunc(raw) : keyInText(raw)

const keyInText = (raw: unknown): number =>
  typeof raw === 'string' && /^\s*[+-]?\d+(?:_\d+)*\s*$/.test(raw)
    ? Number(raw.replaceAll('_', ''))
    : incorrectType(raw)

/** What is no UUID is refused by the model and in its words. */
export const uuidKey = (raw: unknown): string =>
  uuidOf(raw) ?? fail(`“${pythonText(raw)}” is not a valid UUID.`)
