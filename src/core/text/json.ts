import type { z } from 'zod'

/** `undefined` for what is no JSON, or not of this schema. */
export function readJson<T>(schema: z.ZodType<T>, text: string): T | undefined {
  try {
    return schema.parse(JSON.parse(text))
  } catch {
    return undefined
  }
}
