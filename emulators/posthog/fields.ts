/**
 * Input fields in the words of Django REST framework, and stricter: PostHog also takes other types and reads them as it
 * likes, here each field has the one that the bot sends. Only the first error of a body is reported, in the order in
 * which the fields are declared, never the order in which they were sent.
 */
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

const field = <T>(read: (raw: unknown) => T): Field<T> => ({
  required: false,
  read: raw => {
    if (raw === null) throw new FieldError('This field may not be null.', 'null')
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

export function fail(detail: string, code?: string, path?: string): never {
  throw new FieldError(detail, code, path)
}

interface CharRules {
  max?: number
  blank?: boolean
}

/** A blank one is found before anything else is looked at. */
export function char({ max, blank }: CharRules = {}): Field<string> {
  return field(raw => {
    if (typeof raw !== 'string') return fail('Not a valid string.')
    const text = raw.trim()
    if (text === '') return blank ? '' : fail('This field may not be blank.', 'blank')
    if (max !== undefined && [...text].length > max)
      return fail(`Ensure this field has no more than ${max} characters.`, 'max_length')
    if (text.includes('\0'))
      return fail('Null characters are not allowed.', 'null_characters_not_allowed')
    const half = [...text]
      .map(char => char.codePointAt(0) ?? 0)
      .find(code => code >= 0xd800 && code <= 0xdfff)
    if (half !== undefined)
      return fail(
        `Surrogate characters are not allowed: U+${half.toString(16).toUpperCase()}.`,
        'surrogate_characters_not_allowed',
      )
    return text
  })
}

const inWords = (raw: unknown): string => (typeof raw === 'string' ? raw : JSON.stringify(raw))

export const choice = <const T extends string>(values: readonly T[]): Field<T> =>
  field(
    raw =>
      values.find(value => raw === value) ??
      fail(`"${inWords(raw)}" is not a valid choice.`, 'invalid_choice'),
  )

const canonicalUuid = /^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$/i

export const uuid = (): Field<string> =>
  field(raw =>
    typeof raw === 'string' && canonicalUuid.test(raw)
      ? raw.toLowerCase()
      : fail('Must be a valid UUID.'),
  )

export const bool = (): Field<boolean> =>
  field(raw => (typeof raw === 'boolean' ? raw : fail('Must be a valid boolean.')))

/** In a query it is text. */
export function integer(rules: { min?: number; max?: number } = {}): Field<number> {
  return field(raw => {
    const value = typeof raw === 'string' && /^-?\d+$/.test(raw) ? Number(raw) : raw
    if (typeof value !== 'number' || !Number.isInteger(value))
      return fail('A valid integer is required.')
    if (rules.max !== undefined && value > rules.max)
      return fail(`Ensure this value is less than or equal to ${rules.max}.`, 'max_value')
    if (rules.min !== undefined && value < rules.min)
      return fail(`Ensure this value is greater than or equal to ${rules.min}.`, 'min_value')
    return value
  })
}

/** As Python calls it. */
const typeOf = (raw: unknown): string => {
  if (raw === null || raw === undefined) return 'NoneType'
  if (Array.isArray(raw)) return 'list'
  if (typeof raw === 'number') return Number.isInteger(raw) ? 'int' : 'float'
  if (typeof raw === 'string') return 'str'
  return typeof raw === 'boolean' ? 'bool' : 'dict'
}

const isObject = (raw: unknown): raw is Record<string, unknown> => typeOf(raw) === 'dict'

export function list<T>(child: Field<T>, rules: { max?: number } = {}): Field<T[]> {
  return field(raw => {
    if (!Array.isArray(raw))
      return fail(`Expected a list of items but got type "${typeOf(raw)}".`, 'not_a_list')
    const items = raw.map((item, index) => within(String(index), () => child.read(item)))
    if (rules.max !== undefined && items.length > rules.max)
      return fail(`Ensure this field has no more than ${rules.max} elements.`, 'max_length')
    return items
  })
}

export const dict = (): Field<Record<string, unknown>> =>
  field(raw =>
    isObject(raw)
      ? raw
      : fail(`Expected a dictionary of items but got type "${typeOf(raw)}".`, 'not_a_dict'),
  )

export const json = (): Field<unknown> => field(raw => raw)

export const nested = <S extends Shape>(shape: S): Field<Values<S>> =>
  field(raw => readShape(raw, shape))

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
  if (!isObject(body)) return fail(`Invalid data. Expected a dictionary, but got ${typeOf(body)}.`)
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

/** The key of another row, of which `known` are there; null is none. */
export const relation = (known: readonly number[]): Field<number | null> =>
  nullable(
    field(raw => {
      if (typeof raw !== 'number')
        return fail(`Incorrect type. Expected pk value, received ${typeOf(raw)}.`, 'incorrect_type')
      return known.includes(raw)
        ? raw
        : fail(`Invalid pk "${raw}" - object does not exist.`, 'does_not_exist')
    }),
  )
