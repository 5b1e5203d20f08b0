/**
 * GitHub's own description of its REST API, by which every request of the bot has to be valid: on github.com, and on
 * the oldest Enterprise Server that the README claims.
 */

import { Ajv, type ValidateFunction } from 'ajv'
import type { ApiRequest } from './http.ts'
import { isObject, type JsonObject } from './json.ts'
import { type Operation, operationsOf } from './openapi-file.ts'

const servers = ['api.github.com', 'ghes-3.17'] as const

/** Why GitHub would not know what to do with it; `undefined` for a request that is described. */
export function undescribed(request: ApiRequest): string | undefined {
  for (const server of servers) {
    const why = checked(described(server), request)
    if (why !== undefined) return `${server}: ${why}`
  }
  return undefined
}

type Described = Pick<ApiRequest, 'method' | 'path' | 'query' | 'body'>

function checked(
  routes: readonly DescribedRoute[],
  { method, path, query, body }: Described,
): string | undefined {
  const found = routes.find(route => route.method === method && route.path.test(path))
  if (!found) return 'no such operation'
  const inPath = found.path.exec(path)?.groups ?? {}
  const values = Object.entries(inPath).map(([name, value]) => [name, decodeURIComponent(value)])
  return (
    found.wrongPath(Object.fromEntries(values)) ??
    found.wrongQuery(Object.fromEntries(query)) ??
    found.wrongBody(body)
  )
}

type Check = (value: unknown) => string | undefined

interface DescribedRoute {
  method: string
  path: RegExp
  wrongPath: Check
  wrongQuery: Check
  wrongBody: Check
}

const known = new Map<string, DescribedRoute[]>()

function described(server: string): DescribedRoute[] {
  const routes =
    known.get(server) ??
    operationsOf(server)
      .toSorted((a, b) => wordsIn(b.path) - wordsIn(a.path))
      .map(routeOf)
  known.set(server, routes)
  return routes
}

/** A ref may hold slashes: `…/commits/{ref}/check-runs` is asked before `…/commits/{ref}`. */
const wordsIn = (path: string): number => path.split('/').filter(part => !part.startsWith('{')).length

function routeOf(operation: Operation): DescribedRoute {
  const { method, path, parameters, body } = operation
  const multi = new Set(parameters.filter(({ multi }) => multi).map(({ name }) => name))
  const pattern = path.replace(
    /\{([\w-]+)\}/g,
    (_, name: string) => `(?<${word(name)}>${multi.has(name) ? '.+' : '[^/]+'})`,
  )
  const of = (place: 'path' | 'query'): JsonObject => {
    const there = parameters.filter(parameter => parameter.in === place)
    return {
      type: 'object',
      properties: Object.fromEntries(
        there.map(({ name, schema }) => [place === 'path' ? word(name) : name, schema]),
      ),
      required: there
        .filter(({ required }) => required)
        .map(({ name }) => (place === 'path' ? word(name) : name)),
      additionalProperties: false,
    }
  }
  return {
    method,
    path: new RegExp(`^${pattern}$`),
    wrongPath: lazily(of('path'), asText),
    wrongQuery: lazily(of('query'), asText),
    wrongBody: bodyCheck(body),
  }
}

/** Names of groups have no dashes. */
const word = (name: string): string => name.replaceAll('-', '_')

const loose = { strict: false, validateFormats: false }
/** What stands in an address is text, whatever it means. */
const asText = new Ajv({ ...loose, coerceTypes: true })
const asJson = new Ajv(loose)

function bodyCheck(body: Operation['body']): Check {
  const inner = body && lazily(closed(body.schema), asJson)
  return value => {
    if (value === undefined || value === '') return body?.required ? 'a body is missing' : undefined
    // Octokit sends an empty object where there is nothing to say.
    if (!inner)
      return isObject(value) && Object.keys(value).length === 0 ? undefined : 'a body where none is taken'
    return inner(value)
  }
}

/** GitHub passes over what it does not know, which would hide a mistake. */
const closed = (schema: JsonObject): JsonObject =>
  isObject(schema.properties) && !schema.anyOf && !schema.oneOf && !schema.allOf
    ? { additionalProperties: false, ...schema }
    : schema

/** Compiled when the first request comes that needs it: there are a thousand of them. */
function lazily(schema: JsonObject, ajv: Ajv): Check {
  let validate: ValidateFunction | undefined
  return value => {
    validate ??= ajv.compile(schema)
    if (validate(value)) return undefined
    return ajv.errorsText(validate.errors, { dataVar: '' })
  }
}
