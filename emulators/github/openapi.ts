/**
 * GitHub's own description of its REST API, by which every request of the bot has to be valid: on github.com, and on
 * the oldest Enterprise Server that the README claims.
 */

import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { Ajv, type ValidateFunction } from 'ajv'
import type { ApiRequest } from './http.ts'
import { isObject, type JsonObject, listAt, objectAt, parseJson, textAt, valueAt } from './json.ts'

const servers = ['api.github.com', 'ghes-3.17'] as const

/** Only asked for where the server's own webhook says that it knows of such a thing. */
const younger = /\/issues\/\d+\/dependencies\/blocked_by$/

/** Why GitHub would not know what to do with it; `undefined` for a request that is described. */
export function undescribed(request: ApiRequest): string | undefined {
  for (const server of servers) {
    if (server !== 'api.github.com' && younger.test(request.path)) continue
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
const wordsIn = (path: string): number =>
  path.split('/').filter(part => !part.startsWith('{')).length

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
      return isObject(value) && Object.keys(value).length === 0
        ? undefined
        : 'a body where none is taken'
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

// What a request may be, by operation. The whole description has 13 MB of words and answers beside, so what is needed
// of it is kept in a file of half a megabyte, which is made anew when the package changes.

interface Operation {
  method: string
  /** `/repos/{owner}/{repo}` */
  path: string
  parameters: { name: string; in: string; required: boolean; multi: boolean; schema: JsonObject }[]
  body: { required: boolean; schema: JsonObject } | undefined
}

const require = createRequire(import.meta.url)
const at = dirname(require.resolve('@octokit/openapi/package.json'))

function operationsOf(server: string): Operation[] {
  const version = textAt(parseJson(readFileSync(join(at, 'package.json'))), 'version')
  const file = join(at, `../../.cache/github-openapi/${server}-${version}.json`)
  return (
    readKept(file) ??
    keep(file, extract(parseJson(readFileSync(join(at, `generated/${server}.json`)))))
  )
}

function readKept(file: string): Operation[] | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8'))
  } catch {
    return undefined
  }
}

/** Test files start side by side: each writes its own, and the last one stays. */
function keep(file: string, operations: Operation[]): Operation[] {
  mkdirSync(dirname(file), { recursive: true })
  const own = `${file}.${process.pid}.${Math.random()}`
  writeFileSync(own, JSON.stringify(operations))
  renameSync(own, file)
  return operations
}

/** Of two that fit, the one with fewer places to fill is meant. */
function extract(description: unknown): Operation[] {
  const paths = Object.entries(objectAt(description, 'paths'))
  const operations = paths.flatMap(([path, item]) =>
    Object.entries(objectAt(item)).map(([method, operation]) =>
      operationOf(description, path, method, operation),
    ),
  )
  return operations.toSorted((a, b) => places(a) - places(b))
}

const places = ({ path }: Operation): number => path.split('{').length

function operationOf(
  description: unknown,
  path: string,
  method: string,
  operation: unknown,
): Operation {
  const body = resolved(description, valueAt(operation, 'requestBody'))
  const schema = valueAt(body, 'content', 'application/json', 'schema')
  return {
    method: method.toUpperCase(),
    path,
    parameters: listAt(operation, 'parameters').map(given => {
      const parameter = objectAt(resolved(description, given))
      return {
        name: textAt(parameter, 'name'),
        in: textAt(parameter, 'in'),
        required: parameter.required === true,
        multi:
          parameter['x-multi-segment'] === true ||
          (path.endsWith('}') && multiSegment.has(textAt(parameter, 'name'))),
        schema: objectAt(parameter, 'schema'),
      }
    }),
    body: isObject(schema) ? { required: objectAt(body).required === true, schema } : undefined,
  }
}

/** Names with slashes in them, at the end of an address. */
const multiSegment = new Set(['path', 'ref', 'basehead'])

const words = new Set(['description', 'example', 'examples', 'summary', 'title', 'externalDocs'])

/** With every reference followed, and without what is for people. */
function resolved(description: unknown, value: unknown, isProperties = false): unknown {
  if (Array.isArray(value)) return value.map(item => resolved(description, item))
  if (!isObject(value)) return value
  if (typeof value.$ref === 'string')
    return resolved(description, referred(description, value.$ref))
  const kept = Object.entries(value).filter(([key]) => isProperties || !words.has(key))
  const whole = Object.fromEntries(
    kept.map(([key, inner]) => [key, resolved(description, inner, key === 'properties')]),
  )
  // OpenAPI lets `nullable` stand beside `oneOf`; JSON Schema does not.
  return !isProperties && 'nullable' in whole && !('type' in whole) ? orNull(whole) : whole
}

const orNull = ({ nullable, ...rest }: JsonObject): JsonObject =>
  nullable ? { anyOf: [rest, { type: 'null' }] } : rest

const referred = (description: unknown, reference: string): unknown =>
  valueAt(
    description,
    ...reference
      .slice(2)
      .split('/')
      .map(part => part.replaceAll('~1', '/')),
  )
