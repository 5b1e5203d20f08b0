/** `POST /graphql`, for the few things that only GraphQL can do. */

import { type Field, readOperation } from './graphql-document.ts'
import { QueryError, type Resolved, type Source } from './graphql-source.ts'
import { type Answer, type ApiRequest, answer, failure, notFound, type Route } from './http.ts'
import { isObject, type JsonObject, objectAt, textAt } from './json.ts'

/** Set `enabled` to false for a server without GraphQL. */
export interface GraphqlSwitch {
  enabled: boolean
}

export type Root = (kind: 'query' | 'mutation', request: ApiRequest) => Source

export function graphqlRoute(state: GraphqlSwitch, root: Root): Route {
  return {
    method: 'POST',
    path: /^\/graphql$/,
    handle: async request => (state.enabled ? run(root, request) : notFound()),
  }
}

async function run(root: Root, request: ApiRequest): Promise<Answer> {
  if (request.actor.kind === 'anonymous' || request.actor.kind === 'app')
    return failure(401, 'This endpoint requires you to be authenticated.')
  try {
    const operation = readOperation(textAt(request.body, 'query'), objectAt(request.body, 'variables'))
    const errors: JsonObject[] = []
    const data = await execute(operation.selection, root(operation.kind, request), [], errors)
    const unchanged = operation.kind === 'query' || errors.length > 0 || madeNothing(data)
    return { ...answer(200, { data, ...(errors.length > 0 && { errors }) }), unchanged }
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    return { ...answer(200, { errors: [{ message: `Parse error: ${message}` }] }), unchanged: true }
  }
}

/** The answer of a mutation that found nothing to do. */
function madeNothing(data: JsonObject): boolean {
  return Object.values(data).every(payload => isObject(payload) && payload.linkedBranch === null)
}

async function execute(
  fields: Field[],
  source: Source,
  path: string[],
  errors: JsonObject[],
): Promise<JsonObject> {
  const result: JsonObject = {}
  for (const field of fields) {
    const here = [...path, field.alias]
    try {
      result[field.alias] = await complete(field, await resolve(field, source), here, errors)
    } catch (error) {
      if (!(error instanceof QueryError)) throw error
      errors.push({ type: error.type, path: here, message: error.message })
      result[field.alias] = null
    }
  }
  return result
}

async function resolve({ name, arguments: given }: Field, source: Source): Promise<Resolved> {
  const found = source[name]
  if (found === undefined) throw new QueryError('undefinedField', `Field '${name}' doesn't exist`)
  return typeof found === 'function' ? found(given) : found
}

async function complete(
  field: Field,
  value: Resolved,
  path: string[],
  errors: JsonObject[],
): Promise<unknown> {
  if (Array.isArray(value)) return Promise.all(value.map(item => complete(field, item, path, errors)))
  if (typeof value !== 'object' || value === null) return value
  return execute(field.selection, value, path, errors)
}
