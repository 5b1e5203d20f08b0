import type { z } from 'zod'

/** `undefined` for what is no JSON, or not of this schema. */
export function readJson<T>(schema: z.ZodType<T>, text: string): T | undefined {
  try {
    return schema.parse(JSON.parse(text))
  } catch {
    return undefined
  }
}

/** The last block of code in a text whose fence has that name, as JSON; `text` is what stands around it. */
export function jsonBlockIn<T>(
  text: string,
  fence: string,
  schema: z.ZodType<T>,
): { text: string; value: T } | undefined {
  const opening = new RegExp(`^ {0,3}(\`{3,20})[ \\t]*${fence}[ \\t]*$`)
  const lines = text.split('\n')
  const begins = lines.findLastIndex(line => opening.test(line))
  const [, ticks = ''] = opening.exec(lines[begins] ?? '') ?? []
  const ends = lines.findIndex((line, at) => at > begins && line.trim().startsWith(ticks))
  if (begins === -1 || ends === -1) return undefined
  const value = readJson(schema, lines.slice(begins + 1, ends).join('\n'))
  if (value === undefined) return undefined
  return { text: [...lines.slice(0, begins), ...lines.slice(ends + 1)].join('\n').trim(), value }
}
