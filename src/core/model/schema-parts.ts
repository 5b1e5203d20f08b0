/** Pieces of which the schemas of records are made. */
import { z } from 'zod'

/** A variant of a union of records, which are told apart by their `kind`. */
export const variant = <const Kind extends string, Shape extends z.ZodRawShape>(
  kind: Kind,
  shape: Shape,
) => z.object({ kind: z.literal(kind), ...shape })

/** What is never noted as false. */
export const trueOrAbsent = z.literal(true).optional()

export const falseAtFirst = z.boolean().default(false)
export const zeroAtFirst = z.int().default(0)
export const noneAtFirst = z.array(z.string()).default([])

/** What is missing, `null` or of an unexpected type is as good as not there. */
export const perhaps = <T extends z.ZodType>(schema: T) => schema.optional().catch(undefined)
