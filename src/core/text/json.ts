/** JSON that others wrote: each text is held against a schema. */
import { z } from 'zod'

/** `undefined` for what is no JSON, or not of this schema. */
export function readJson<T>(schema: z.ZodType<T>, text: string): T | undefined {
  try {
    return schema.parse(JSON.parse(text))
  } catch {
    return undefined
  }
}

/** An agent may put it in quotes. */
export const countingNumber = z
  .union([
    z.number(),
    z
      .string()
      .regex(/^\d{1,15}$/)
      .transform(Number),
  ])
  .pipe(z.int().positive())

const flatObject = /\{(?:"(?:[^"\\]|\\.)*"|[^{}"])*\}/gs

/** Reads a list item by item, in a block even if it is not quite JSON. `rest` is what can't be read. */
function itemsIn<T>(item: z.ZodType<T>, list: string, isBlock: boolean) {
  const items = readJson(z.array(z.unknown()), list)
  if (!items && !(isBlock && list.trimStart().startsWith('['))) return undefined
  const value: T[] = []
  const takeOut = (written: string) => {
    const read = readJson(item, written.replace(/,\s*\}$/, '}'))
    if (read === undefined) return written
    value.push(read)
    return ''
  }
  const left =
    items?.map(each => takeOut(JSON.stringify(each))).join('\n') ??
    list.replace(flatObject, takeOut)
  const rest = left.replace(/^\s*\/\/.*$/gm, '').replace(/^[\s[\],]+|[\s[\],]+$/g, '')
  return value.length > 0 || items?.length === 0 ? { value, rest } : undefined
}

/**
 * A list that an agent was asked for as a block of code whose fence has that name, and `text` around it: the last such
 * block. It may have no end, as on a page. Without the name, what ends the text is the list, fenced as JSON or not at
 * all, unless it is empty: then it may be code that is spoken of. Items that can't be read stay in the text.
 */
export function jsonBlockIn<T>(
  text: string,
  fence: string,
  item: z.ZodType<T>,
): { text: string; value: T[] } | undefined {
  const lines = text.trimEnd().split('\n')
  const readAt = ({ begins, ends, from, to }: Block) => {
    const found = itemsIn(item, lines.slice(from, to).join('\n'), from > begins)
    if (!found) return undefined
    const rest = found.rest === '' ? [] : ['```', found.rest, '```']
    const text = [...lines.slice(0, begins), ...rest, ...lines.slice(ends)].join('\n').trim()
    return { text, value: found.value }
  }
  const name = new RegExp(`(?:^|\\s)${fence}(?:\\s|$)`)
  const named = lines.findLastIndex(line => name.test(openingOf(line)?.info ?? ''))
  if (named !== -1) return readAt(blockFrom(lines, named))
  const found = readAt(blockAtEnd(lines))
  return found?.value.length ? found : undefined
}

/** Numbers of lines: of all of it, and of what is inside. */
interface Block {
  begins: number
  ends: number
  from: number
  to: number
}

function openingOf(line: string): { marks: string; info: string } | undefined {
  const [, marks, info = ''] = /^ {0,3}(`{3,20}|~{3,20})[ \t]*([^`]*)$/.exec(line) ?? []
  return marks === undefined ? undefined : { marks, info: info.trim() }
}

function blockFrom(lines: readonly string[], begins: number): Block {
  const { marks = '' } = openingOf(lines[begins] ?? '') ?? {}
  const end = lines.findIndex((line, at) => at > begins && line.trim().startsWith(marks))
  const to = end === -1 ? lines.length : end
  return { begins, from: begins + 1, to, ends: to + 1 }
}

function blockAtEnd(lines: readonly string[]): Block {
  const last = lines.length - 1
  if (openingOf(lines[last] ?? '')?.info === '') {
    const begins = lines.findLastIndex((line, at) => at < last && openingOf(line) !== undefined)
    const { info = 'none' } = openingOf(lines[begins] ?? '') ?? {}
    if (/^(?:json\w*)?$/i.test(info))
      return { begins, from: begins + 1, to: last, ends: lines.length }
  }
  const begins = Math.max(
    0,
    lines.findLastIndex(line => line.startsWith('[')),
  )
  return { begins, from: begins, to: lines.length, ends: lines.length }
}
