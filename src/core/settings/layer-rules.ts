import { efforts, type ReasoningEffort } from '../agent/run-request.ts'
import { mayAct, type Role } from '../model/role.ts'

export interface Rule<Value> {
  words: string
  join(above: Value, below: Value): Value
}

export const lower = { words: 'the lower', join: <Value>(_: Value, below: Value): Value => below }

export const bothYes: Rule<boolean> = { words: 'a no stays', join: (above, below) => above && below }

export const bothTexts: Rule<string> = {
  words: 'both, one after another',
  join: (above, below) => `${above.trim()}\n\n${below.trim()}`,
}

export const lowest: Rule<number> = {
  words: 'the lower number',
  join: (above, below) => Math.min(above, below),
}

export const lessEffort: Rule<ReasoningEffort> = {
  words: 'the less',
  join: (above, below) => efforts.find(effort => effort === above || effort === below) ?? above,
}

const nameOf = (item: unknown): string => String(item).toLowerCase()

export const inBoth = {
  words: 'what both have',
  join<Item>(above: Item[], below: Item[]): Item[] {
    const known = new Set(above.map(nameOf))
    return below.filter(item => known.has(nameOf(item)))
  },
}

export const someOfBoth = {
  words: 'what both have; the upper, where that is nothing',
  join<Item>(above: Item[], below: Item[]): Item[] {
    const left = inBoth.join(above, below)
    return left.length === 0 ? above : left
  },
}

export const lowerByName = {
  words: 'of two with one name the lower',
  join: <Value>(above: Record<string, Value>, below: Record<string, Value>): Record<string, Value> => ({
    ...above,
    ...below,
  }),
}

type Roles = Partial<Record<string, Exclude<Role, 'none'>>>

export const stricterRole: Rule<Roles> = {
  words: 'the stricter',
  join(above, below) {
    const stricter = Object.entries(below).filter(([name, role]) => {
      const least = above[name]
      return role !== undefined && (least === undefined || mayAct(role, least))
    })
    return { ...above, ...Object.fromEntries(stricter) }
  },
}
