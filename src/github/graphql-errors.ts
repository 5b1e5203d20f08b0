import { z } from 'zod'

export const isGraphqlError = (error: unknown): error is Error =>
  error instanceof Error && error.name === 'GraphqlResponseError'

export const lacksField = (error: unknown): boolean =>
  isGraphqlError(error) && /doesn't exist|isn't a defined|undefined/i.test(error.message)

const Partial = z.object({
  name: z.literal('GraphqlResponseError'),
  errors: z.array(z.object({ path: z.array(z.union([z.string(), z.number()])).optional() })),
  data: z.record(z.string(), z.unknown()),
})

/**
 * The data of a partly failed response, and the paths that are missing; `undefined` if the query itself was refused.
 */
export function partOf(error: unknown): { data: unknown; missing: string[] } | undefined {
  const found = Partial.safeParse(error).data
  const missing = found?.errors.map(({ path }) => path?.join('.'))
  return missing?.every(path => path !== undefined) ? { data: found?.data, missing } : undefined
}
