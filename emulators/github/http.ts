import type { Params } from '../serving.ts'

/** Whose token it is. People have fixed tokens; those of the App are remembered as they are minted. */

export type Actor =
  | { kind: 'anonymous'; login: string }
  /** `ofApp`: by a token that the App was given for them. */
  | { kind: 'person'; login: string; ofApp?: true }
  | { kind: 'app'; login: string }
  | { kind: 'bot'; login: string; owner: string; permissions: Record<string, string> }

/** One call to the API, read whole. `path` has no query and names repositories in their canonical spelling. */
export interface ApiRequest {
  method: string
  path: string
  query: URLSearchParams
  headers: Record<string, string>
  raw: Buffer
  body: unknown
  actor: Actor
}

export interface Answer {
  status: number
  headers: Record<string, string>
  body: unknown
  /** Set instead of `body` when the answer is not JSON. */
  raw?: Buffer
  /** A 2xx that changed nothing, such as a reaction that was there already. */
  unchanged?: boolean
}

export interface Route {
  method: string
  /** `:name` is a parameter, `:name{…}` one that has to fit an expression. */
  path: string
  handle(request: ApiRequest, params: Params): Promise<Answer | undefined>
}

/** @param handle undefined passes the request on to the next route and finally to the emulator */
export const route = (method: string, path: string, handle: Route['handle']): Route => ({
  method,
  path,
  handle,
})

const documentation = 'https://docs.github.com/rest'

export function answer(
  status: number,
  body?: unknown,
  headers: Record<string, string> = {},
): Answer {
  return { status, headers, body }
}

export function failure(status: number, message: string, errors?: readonly unknown[]): Answer {
  return answer(status, {
    message,
    ...(errors && { errors }),
    documentation_url: documentation,
    status: String(status),
  })
}

export const notFound = (): Answer => failure(404, 'Not Found')

export function invalid(resource: string, field: string, message?: string): Answer {
  const error = message
    ? { resource, code: 'custom', field, message }
    : { resource, code: 'invalid', field }
  return failure(422, 'Validation Failed', [error])
}

/** Of a list, what the query asks for: 30 unless it says otherwise, at most 100. */
export function paged<T>({ query }: ApiRequest, all: readonly T[]): T[] {
  const size = Math.min(Number(query.get('per_page') ?? 30), 100)
  const page = Number(query.get('page') ?? 1)
  return all.slice((page - 1) * size, page * size)
}
