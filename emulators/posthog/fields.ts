/**
 * Input fields as Django REST framework reads them: the same coercions, the same words. Only the first error of a
 * body is reported, in the order in which the fields are declared, never the order in which they were sent.
 */
import { isObject, pythonText, pythonType, stripped, uuidOf } from './python.ts'
import { invalid } from './reply.ts'

class FieldError extends Error {
  readonly code: string
  readonly detail: string
  readonly path: string
  constructor(detail: string, code = 'invalid_input', path = '') {
    super(detail)
    this.code = code
    this.detail = detail
    this.path = path
  }
}

export interface Field<T> {
  required: boolean
  read(raw: unknown): T
}

type Shape = Record<string, Field<unknown>>
export type Values<S extends Shape> = { [K in keyof S]?: S[K] extends Field<infer T> ? T : never }

const isNull = () => new FieldError('This field may not be null.', 'null')

const field = <T>(read: (raw: unknown) => T): Field<T> => ({
  required: false,
  read: raw => {
    if (raw === null) throw isNull()
    return read(raw)
  },
})

export const nullable = <T>(inner: Field<T>): Field<T | null> => ({
  ...inner,
  read: raw => (raw === null ? null : inner.read(raw)),
})
export const required = <T>(inner: Field<T>): Field<T> => ({ ...inner, required: true })

/** With a rule of its own, which is checked in the field's place among the others. */
export const checked = <T, U = T>(inner: Field<T>, check: (value: T) => U): Field<U> => ({
  ...inner,
  read: raw => check(inner.read(raw)),
})

interface CharRules {
  max?: number
  blank?: boolean
  /** As it is, with the spaces around it. */
  whole?: boolean
  matches?: RegExp
}

/** Numbers become text; a blank one is found before anything else is looked at. */
export function char({ max, blank, whole, matches }: CharRules = {}): Field<string> {
  return field(raw => {
    const text = whole ? pythonText(raw) : stripped(pythonText(raw))
    if (text === '') return blank ? '' : fail('This field may not be blank.', 'blank')
    if (typeof raw !== 'string' && typeof raw !== 'number') return fail('Not a valid string.')
    if (max !== undefined && lengthOf(text) > max)
      return fail(`Ensure this field has no more than ${max} characters.`, 'max_length')
    checkCharacters(text)
    if (matches && !matches.test(text)) return fail('This value does not match the required pattern.')
    return text
  })
}

const lengthOf = (text: string): number => [...text].length

function checkCharacters(text: string): void {
  if (text.includes('\0')) fail('Null characters are not allowed.', 'null_characters_not_allowed')
  const half = [...text].map(char => char.codePointAt(0) ?? 0).find(code => code >= 0xd800 && code <= 0xdfff)
  if (half === undefined) return
  fail(
    `Surrogate characters are not allowed: U+${half.toString(16).toUpperCase()}.`,
    'surrogate_characters_not_allowed',
  )
}

export function fail(detail: string, code?: string, path?: string): never {
  throw new FieldError(detail, code, path)
}

/** Compared as text: `2.0` is "2.0". JSON gives us the same number for 2, which is "2" there and refused. */
export function choice<const T extends string>(values: readonly T[]): Field<T> {
  return field(raw => {
    const found = values.find(value =>
      typeof raw === 'number' ? isSame(raw, value) : pythonText(raw) === value,
    )
    return found ?? fail(`"${pythonText(raw)}" is not a valid choice.`, 'invalid_choice')
  })
}

const isSame = (number: number, value: string): boolean => String(number) === value || `${number}.0` === value

export const uuid = (): Field<string> => field(raw => uuidOf(raw) ?? fail('Must be a valid UUID.'))

const truths = new Set<unknown>([true, 1, '1', 't', 'true', 'y', 'yes', 'on'])
const falsehoods = new Set<unknown>([false, 0, '0', 'f', 'false', 'n', 'no', 'off'])

function truthOf(raw: unknown): boolean {
  const value = typeof raw === 'string' ? raw.toLowerCase() : raw
  if (truths.has(value)) return true
  return falsehoods.has(value) ? false : fail('Must be a valid boolean.')
}

export const bool = (): Field<boolean> => field(truthOf)

/** Where null is allowed, `""` and `"null"` are null, too. */
export function nullableBool(): Field<boolean | null> {
  const isNothing = (raw: unknown) =>
    raw === null || (typeof raw === 'string' && ['', 'null'].includes(raw.toLowerCase()))
  return { required: false, read: raw => (isNothing(raw) ? null : truthOf(raw)) }
}

export function integer(rules: { min?: number; max?: number } = {}): Field<number> {
  return field(raw => {
    if (typeof raw === 'string' && raw.length > 1_000)
      return fail('String value too large.', 'max_string_length')
    const value = wholeNumber(pythonText(raw))
    if (value === undefined) return fail('A valid integer is required.')
    if (rules.max !== undefined && value > rules.max)
      return fail(`Ensure this value is less than or equal to ${rules.max}.`, 'max_value')
    if (rules.min !== undefined && value < rules.min)
      return fail(`Ensure this value is greater than or equal to ${rules.min}.`, 'min_value')
    return value
  })
}

/** `int()` after a fraction of zeros was taken off. */
function wholeNumber(text: string): number | undefined {
  const digits = text.replace(/\.0*\s*$/, '')
  return /^\s*[+-]?\d+(?:_\d+)*\s*$/.test(digits) ? Number(digits.replaceAll('_', '')) : undefined
}

export function datetime(): Field<Date> {
  return field(raw => {
    const value = typeof raw === 'string' ? new Date(raw) : new Date(Number.NaN)
    if (Number.isNaN(value.getTime()))
      return fail(
        'Datetime has wrong format. Use one of these formats instead: YYYY-MM-DDThh:mm[:ss[.uuuuuu]][+HH:MM|-HH:MM|Z].',
      )
    return value
  })
}

export function list<T>(child: Field<T>, rules: { max?: number } = {}): Field<T[]> {
  return field(raw => {
    if (!Array.isArray(raw))
      return fail(`Expected a list of items but got type "${pythonType(raw)}".`, 'not_a_list')
    const items = raw.map((item, index) => within(String(index), () => child.read(item)))
    if (rules.max !== undefined && items.length > rules.max)
      return fail(`Ensure this field has no more than ${rules.max} elements.`, 'max_length')
    return items
  })
}

export function dict(): Field<Record<string, unknown>> {
  return field(raw =>
    isObject(raw)
      ? raw
      : fail(`Expected a dictionary of items but got type "${pythonType(raw)}".`, 'not_a_dict'),
  )
}

export const json = (): Field<unknown> => field(raw => raw)

export function nested<S extends Shape>(shape: S): Field<Values<S>> {
  return field(raw => readShape(raw, shape))
}

/** Reads a request body; unknown keys are ignored, as by every ordinary serializer. */
export const readBody = <S extends Shape>(body: unknown, shape: S): Values<S> =>
  readWhole(body, shape, values => values)

/** @param together what the serializer says of all fields, once each of them is right; it refuses with `fail` */
export function readWhole<S extends Shape, T>(
  body: unknown,
  shape: S,
  together: (values: Values<S>) => T,
): T {
  try {
    if (body === null) fail('No data provided', 'null')
    return together(readShape(body, shape))
  } catch (thrown) {
    if (thrown instanceof FieldError) throw invalid(thrown.path || null, thrown.detail, thrown.code)
    throw thrown
  }
}

function readShape<S extends Shape>(body: unknown, shape: S): Values<S> {
  if (!isObject(body)) return fail(`Invalid data. Expected a dictionary, but got ${pythonType(body)}.`)
  const values: Record<string, unknown> = {}
  for (const [name, rule] of Object.entries(shape)) {
    if (Object.hasOwn(body, name)) values[name] = within(name, () => rule.read(body[name]))
    else if (rule.required) fail('This field is required.', 'required', name)
  }
  return values as Values<S>
}

function within<T>(key: string, read: () => T): T {
  try {
    return read()
  } catch (thrown) {
    if (!(thrown instanceof FieldError)) throw thrown
    throw new FieldError(thrown.detail, thrown.code, thrown.path ? `${key}__${thrown.path}` : key)
  }
}

// A field that names another row, as a related field of the framework reads it.

/** The key of another row, of which `known` are there; null and an empty text are none. */
export const relation = (known: readonly number[]): Field<number | null> => ({
  required: false,
  read: raw => {
    if (raw === null || raw === '') return null
    const key = keyOf(raw)
    if (key !== undefined && known.includes(key)) return key
    return key === undefined
      ? fail(`Incorrect type. Expected pk value, received ${pythonType(raw)}.`, 'incorrect_type')
      : fail(`Invalid pk "${pythonText(raw)}" - object does not exist.`, 'does_not_exist')
  },
})

function keyOf(raw: unknown): number | undefined {
  if (typeof raw === 'number') return Math.trunc(raw)
  const isKey = typeof raw === 'string' && /^\s*[+-]?\d+(?:_\d+)*\s*$/.test(raw)
  return isKey ? Number(raw.replaceAll('_', '')) : undefined
}
