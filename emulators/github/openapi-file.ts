/**
 * What a request may be, by operation. The whole description has 13 MB of words and answers beside, so what is needed
 * of it is kept in a file of half a megabyte, which is made anew when the package changes.
 */

import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { isObject, type JsonObject, listAt, objectAt, parseJson, textAt, valueAt } from './json.ts'

export interface Operation {
  method: string
  /** `/repos/{owner}/{repo}` */
  path: string
  parameters: { name: string; in: string; required: boolean; multi: boolean; schema: JsonObject }[]
  body: { required: boolean; schema: JsonObject } | undefined
}

const require = createRequire(import.meta.url)
const at = dirname(require.resolve('@octokit/openapi/package.json'))

export function operationsOf(server: string): Operation[] {
  const version = textAt(parseJson(readFileSync(join(at, 'package.json'))), 'version')
  const file = join(at, `../../.cache/github-openapi/${server}-${version}.json`)
  return readKept(file) ?? keep(file, extract(parseJson(readFileSync(join(at, `generated/${server}.json`)))))
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

function operationOf(description: unknown, path: string, method: string, operation: unknown): Operation {
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
  if (typeof value.$ref === 'string') return resolved(description, referred(description, value.$ref))
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
