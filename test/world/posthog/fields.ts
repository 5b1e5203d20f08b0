/**
 * Input fields as Django REST framework reads them: the same coercions, the same words. Only the first error of a
 * body is reported, in the order in which the fields are declared, never the order in which they were sent.
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
type Values<S extends Shape> = { [K in keyof S]?: S[K] extends Field<infer T> ? T : never }

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

export function char(rules: { max?: number; blank?: boolean } = {}): Field<string> {
  return field(raw => {
    if (typeof raw !== 'string' && typeof raw !== 'number')
      throw new FieldError('Not a valid string.', 'invalid_input')
    const text = String(raw).trim()
    if (text.includes('\0'))
      throw new FieldError('Null characters are not allowed.', 'null_characters_not_allowed')
    if (text === '' && !rules.blank) throw new FieldError('This field may not be blank.', 'blank')
    if (rules.max !== undefined && [...text].length > rules.max)
      throw new FieldError(`Ensure this field has no more than ${rules.max} characters.`, 'max_length')
    return text
  })
}

export function choice<const T extends string>(values: readonly T[]): Field<T> {
  return field(raw => {
    const found = values.find(value => value === raw)
    if (found === undefined)
      throw new FieldError(`"${printed(raw)}" is not a valid choice.`, 'invalid_choice')
    return found
  })
}

const uuidPattern = /^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$/i

export const isUuid = (text: string) => uuidPattern.test(text)

export function uuid(): Field<string> {
  return field(raw => {
    if (typeof raw !== 'string' || !isUuid(raw)) throw new FieldError('Must be a valid UUID.')
    return raw.toLowerCase()
  })
}

const truths = new Set<unknown>([true, 1, '1', 't', 'true', 'True', 'TRUE', 'y', 'yes', 'on'])
const falsehoods = new Set<unknown>([false, 0, '0', 'f', 'false', 'False', 'FALSE', 'n', 'no', 'off'])

export function bool(): Field<boolean> {
  return field(raw => {
    if (truths.has(raw)) return true
    if (falsehoods.has(raw)) return false
    throw new FieldError('Must be a valid boolean.')
  })
}

export function integer(rules: { min?: number; max?: number } = {}): Field<number> {
  return field(raw => {
    const value = typeof raw === 'string' && /^-?\d+$/.test(raw.trim()) ? Number(raw) : raw
    if (typeof value !== 'number' || !Number.isInteger(value))
      throw new FieldError('A valid integer is required.')
    if (rules.max !== undefined && value > rules.max)
      throw new FieldError(`Ensure this value is less than or equal to ${rules.max}.`, 'max_value')
    if (rules.min !== undefined && value < rules.min)
      throw new FieldError(`Ensure this value is greater than or equal to ${rules.min}.`, 'min_value')
    return value
  })
}

export function datetime(): Field<Date> {
  return field(raw => {
    const value = typeof raw === 'string' ? new Date(raw) : new Date(Number.NaN)
    if (Number.isNaN(value.getTime()))
      throw new FieldError(
        'Datetime has wrong format. Use one of these formats instead: YYYY-MM-DDThh:mm[:ss[.uuuuuu]][+HH:MM|-HH:MM|Z].',
      )
    return value
  })
}

export function list<T>(child: Field<T>, rules: { max?: number } = {}): Field<T[]> {
  return field(raw => {
    if (!Array.isArray(raw))
      throw new FieldError(`Expected a list of items but got type "${pythonType(raw)}".`, 'not_a_list')
    if (rules.max !== undefined && raw.length > rules.max)
      throw new FieldError(`Ensure this field has no more than ${rules.max} elements.`, 'max_length')
    return raw.map((item, index) => within(String(index), () => child.read(item)))
  })
}

export function dict(): Field<Record<string, unknown>> {
  return field(raw => {
    if (isObject(raw)) return raw
    throw new FieldError(`Expected a dictionary of items but got type "${pythonType(raw)}".`, 'not_a_dict')
  })
}

export const json = (): Field<unknown> => field(raw => raw)

export function nested<S extends Shape>(shape: S): Field<Values<S>> {
  return field(raw => readShape(raw, shape))
}

/** Reads a request body; unknown keys are ignored, as by every ordinary serializer. */
export function readBody<S extends Shape>(body: unknown, shape: S): Values<S> {
  try {
    return readShape(body, shape)
  } catch (thrown) {
    if (thrown instanceof FieldError) throw invalid(thrown.path || null, thrown.detail, thrown.code)
    throw thrown
  }
}

function readShape<S extends Shape>(body: unknown, shape: S): Values<S> {
  if (!isObject(body))
    throw new FieldError(`Invalid data. Expected a dictionary, but got ${pythonType(body)}.`)
  const values: Record<string, unknown> = {}
  for (const [name, rule] of Object.entries(shape)) {
    if (Object.hasOwn(body, name)) values[name] = within(name, () => rule.read(body[name]))
    else if (rule.required) throw new FieldError('This field is required.', 'required', name)
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

export const isObject = (raw: unknown): raw is Record<string, unknown> =>
  typeof raw === 'object' && raw !== null && !Array.isArray(raw)

function pythonType(raw: unknown): string {
  if (raw === null || raw === undefined) return 'NoneType'
  if (Array.isArray(raw)) return 'list'
  if (typeof raw === 'string') return 'str'
  if (typeof raw === 'boolean') return 'bool'
  if (typeof raw === 'number') return Number.isInteger(raw) ? 'int' : 'float'
  return 'dict'
}

function printed(raw: unknown): string {
  if (raw === true) return 'True'
  if (raw === false) return 'False'
  return typeof raw === 'object' ? JSON.stringify(raw) : String(raw)
}
