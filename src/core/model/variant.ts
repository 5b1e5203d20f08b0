/** A variant of a union of records, which are told apart by their `kind`. */
import { z } from 'zod'

export const variant = <const Kind extends string, Shape extends z.ZodRawShape>(
  kind: Kind,
  shape: Shape,
) => z.object({ kind: z.literal(kind), ...shape })
