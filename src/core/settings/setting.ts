/** One setting: its schema, how two layers of it meet, and what else is known of it. */
import { z } from 'zod'
import { efforts, type ReasoningEffort } from '../model/codex-task-run-create.ts'
import { mayAct, type Role } from '../model/command-grammar.ts'

export interface MergeRule<Value> {
  words: string
  join(above: Value, below: Value): Value
}

export const lower = {
  words: 'the lower layer',
  join: <Value>(_: Value, below: Value): Value => below,
}

/** A safeguard that one layer has is not taken away by another. */
export const wins = <const Value>(safe: Value) => ({
  words: `\`${safe}\` wins`,
  join: <Given>(above: Given | Value, below: Given | Value): Given | Value =>
    above === safe ? above : below,
})

export const bothTexts: MergeRule<string> = {
  words: 'both',
  join: (above, below) => `${above.trim()}\n\n${below.trim()}`,
}

export const lowest: MergeRule<number> = {
  words: 'the smaller number',
  join: (above, below) => Math.min(above, below),
}

export const lessEffort: MergeRule<ReasoningEffort> = {
  words: 'the lower effort',
  join: (above, below) => efforts.find(effort => effort === above || effort === below) ?? above,
}

const itemName = (item: unknown) => String(item).toLowerCase()

export const inBoth = {
  words: 'what both have',
  join<Item>(above: Item[], below: Item[]): Item[] {
    const known = new Set(above.map(itemName))
    return below.filter(item => known.has(itemName(item)))
  },
}

export const someOfBoth = {
  words: 'what both have, or the upper layer if that is nothing',
  join<Item>(above: Item[], below: Item[]): Item[] {
    const left = inBoth.join(above, below)
    return left.length === 0 ? above : left
  },
}

export const lowerByName = {
  words: 'both; for the same name the lower layer',
  join: <Group extends object>(above: Group, below: Group): Group => ({ ...above, ...below }),
}

type Roles = Partial<Record<string, Exclude<Role, 'none'>>>

export const stricterRole: MergeRule<Roles> = {
  words: 'the stricter permission',
  join(above, below) {
    const stricter = Object.entries(below).filter(([name, role]) => {
      const least = above[name]
      return role !== undefined && (least === undefined || mayAct(role, least))
    })
    return { ...above, ...Object.fromEntries(stricter) }
  },
}

interface SettingInfo<Value> {
  rule: MergeRule<Value>
  proposed?: true
  /** The deployment may set a ceiling. */
  ceiling?: true
  /** Kept in the Run's record. */
  kept?: true
  example?: unknown
  below?: SettingShape
}

export type Setting = z.ZodType & { setting: SettingInfo<unknown> }
type SettingShape = Readonly<Record<string, Setting>>

type GivenAs<Schema extends z.ZodType> = NonNullable<z.input<Schema>>

/** @param about its line in the documents */
export const setting = <Schema extends z.ZodType, const Info extends SettingInfo<GivenAs<Schema>>>(
  about: string,
  schema: Schema,
  info: Info,
): Schema & { setting: Info } => Object.assign(schema.describe(about), { setting: info })

export const group = <
  Shape extends SettingShape,
  const Info extends Omit<SettingInfo<unknown>, 'rule'>,
>(
  about: string,
  below: Shape,
  info: Info,
) => {
  const schema = z.strictObject(below)
  // Each has a default, or may be left out.
  const empty = {} as z.input<typeof schema>
  return setting(about, schema.prefault(empty), { ...info, below, rule: keyByKey(below) })
}

export const keyByKey = <Value extends object>(shape: SettingShape): MergeRule<Value> => ({
  words: '',
  join(above, below) {
    const [upper, under] = [new Map(Object.entries(above)), new Map(Object.entries(below))]
    const entries = Object.entries(shape).flatMap(([key, { setting }]) => {
      const [one, other] = [upper.get(key), under.get(key)]
      const value =
        one === undefined || other === undefined ? (other ?? one) : setting.rule.join(one, other)
      return value === undefined ? [] : [[key, value]]
    })
    return Object.fromEntries(entries) as Value
  },
})

type Mark = 'proposed' | 'ceiling' | 'kept'
type Marked<Shape extends SettingShape, As extends Mark> = {
  [Key in keyof Shape as Shape[Key]['setting'] extends Record<As, true> ? Key : never]: Shape[Key]
}

/** TypeScript loses track of the keys, so the type is asserted, as it is below. */
export const marked = <Shape extends SettingShape, As extends Mark>(shape: Shape, mark: As) =>
  Object.fromEntries(Object.entries(shape).filter(([, { setting }]) => setting[mark])) as Marked<
    Shape,
    As
  >

type WithoutDefaults<Shape> = {
  [Key in keyof Shape]: Shape[Key] extends z.ZodDefault<infer Inner>
    ? z.ZodOptional<Inner>
    : Shape[Key]
}

export const withoutDefaults = <Shape extends SettingShape>(shape: Shape) =>
  Object.fromEntries(
    Object.entries(shape).map(([key, schema]) => [
      key,
      schema instanceof z.ZodDefault
        ? z.optional(schema.unwrap()).describe(schema.description ?? '')
        : schema,
    ]),
  ) as WithoutDefaults<Shape>

/** Reads stored settings. Their unknown keys are from another version, not a mistake. */
export const storedShape = <Shape extends SettingShape>(shape: Shape) =>
  Object.fromEntries(
    Object.entries(shape).map(([key, schema]) => {
      const inner = schema instanceof z.ZodPrefault ? schema.unwrap() : undefined
      return [key, inner instanceof z.ZodObject ? inner.strip().prefault({}) : schema]
    }),
  ) as Shape

/** A text of that form. @param words what else is wrong */
export const formed = (form: RegExp, words: string) => z.string().regex(form, words)
