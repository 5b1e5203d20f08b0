/**
 * GraphQL: what came, and which parts of it did not. Nothing that the bot asks for is missing on the oldest server that
 * is promised, Enterprise Server 3.17 (its schema, `schema.docs-enterprise.graphql` of github/docs, was looked at for
 * `updateRefs`, the youngest of it), so a part that does not come was refused, or is not there.
 */
import type { Octokit } from '@octokit/rest'
import { z } from 'zod'
import { NoResponse, Rejected } from '../core/model/errors.ts'
import type { Thread } from '../core/model/thread.ts'
import { fetchUpTo } from './request-rules.ts'

const QueryErrors = z.object({
  name: z.literal('GraphqlResponseError'),
  errors: z
    .array(
      z.object({
        type: z.string().optional(),
        message: z.string(),
        path: z.array(z.union([z.string(), z.number()])).default([]),
      }),
    )
    .min(1),
  data: z.record(z.string(), z.unknown()).nullish(),
})

interface Received {
  data: unknown
  /** The key is the path of what did not come, such as `repository.subject`. */
  missing: ReadonlyMap<string, Rejected>
}

/** A list, as GraphQL gives it. */
export const nodesOf = <Node extends z.ZodType>(node: Node) => z.object({ nodes: z.array(node) })

export const inRepository = <Shape extends z.ZodRawShape>(shape: Shape) =>
  z.object({ repository: z.object(shape) })

/** A query of one issue or pull request, by its number: its fields are the result. */
export const subjectQuery = <Shape extends z.ZodRawShape>(
  name: string,
  of: 'issue' | 'pullRequest' | 'issueOrPullRequest',
  fields: string,
  shape: Shape,
) => ({
  text: `query ${name}($owner: String!, $name: String!, $number: Int!) {
  repository(owner: $owner, name: $name) { subject: ${of}(number: $number) { ${fields} } }
}`,
  schema: z
    .object({ repository: z.object({ subject: z.object(shape) }) })
    .transform(({ repository: { subject } }) => subject),
})

type Variables = Record<string, unknown>

/** The variables by which queries name it. */
export const named = ({ owner, repo, number }: Pick<Thread, 'owner' | 'repo' | 'number'>) => ({
  owner,
  name: repo,
  number,
})

/**
 * @param maxBytes of an answer that others can make long: a longer one is read no further, and has no data
 * @throws Rejected if the text was refused as a whole
 */
export async function send(
  client: Octokit,
  text: string,
  variables: Variables,
  maxBytes?: number,
): Promise<Received> {
  const empty = (response: Response) => new Response('{}', response)
  const request = maxBytes === undefined ? {} : { request: { fetch: fetchUpTo(maxBytes, empty) } }
  try {
    return { data: await client.graphql(text, { ...variables, ...request }), missing: new Map() }
  } catch (error) {
    const refused = QueryErrors.safeParse(error).data
    if (!refused) throw error
    const kind = text.startsWith('mutation') ? 'effect' : 'read'
    const missing = refused.errors.map(({ type, message, path }) => {
      const status = type === 'NOT_FOUND' ? 404 : 403
      return [
        path.join('.'),
        new Rejected('github', status, type ?? '', message, undefined, kind),
      ] as const
    })
    const [first] = missing
    if (!refused.data && first) throw first[1]
    return { data: refused.data, missing: new Map(missing) }
  }
}

/**
 * @param optional paths that may be missing; `.*`: all below one
 * @throws Rejected with 404 for what is not there; NoResponse for an answer that makes no sense
 */
export async function query<T>(
  client: Octokit,
  {
    text,
    schema,
    optional = [],
  }: { text: string; schema: z.ZodType<T>; optional?: readonly string[] },
  variables: Variables,
): Promise<T> {
  const { data, missing } = await send(client, text, variables)
  for (const [path, rejected] of missing)
    if (
      !optional.some(
        known => path === known || (known.endsWith('.*') && path.startsWith(known.slice(0, -1))),
      )
    )
      throw rejected
  const read = schema.safeParse(data)
  if (read.success) return read.data
  throw new NoResponse('github', 'GitHub answered with something else than was asked for', {
    cause: read.error,
  })
}

export const threadKey = ({ repoId, number }: Pick<Thread, 'repoId' | 'number'>): string =>
  `${repoId}/${number}`

export const personKey = (login: string): string => `user/${login}`

export const labelKey = ({ repoId }: Pick<Thread, 'repoId'>, name: string): string =>
  `label/${repoId}/${name.toLowerCase()}`
