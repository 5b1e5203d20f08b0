/** `POST /graphql`: validated by GitHub's own schema, so that a text which the real service would refuse is refused. */

import {
  buildASTSchema,
  type DocumentNode,
  execute,
  GraphQLError,
  type GraphQLFieldResolver,
  type GraphQLFormattedError,
  type GraphQLSchema,
  getNamedType,
  getOperationAST,
  parse,
  validate,
} from 'graphql'
import { type Context, QueryError, type Source } from './graphql-source.ts'
import { type Answer, type ApiRequest, answer, failure, type Route, route } from './http.ts'
import { objectAt, textAt } from './json.ts'
import type { Ledger } from './ledger.ts'
import { wholeSeconds } from './repairs.ts'

/** What it `denies`, such as `Mutation.updateRefs`, is null, with an error beside all the rest. */
export interface GraphqlSwitch {
  denies: string[]
}

type Root = (kind: 'query' | 'mutation', request: ApiRequest) => Source

interface Parts {
  state: GraphqlSwitch
  root: Root
  ledger: Ledger
}

export const graphqlRoute = (parts: Parts): Route =>
  route('POST', '/graphql', request => run(parts, request))

async function run(parts: Parts, request: ApiRequest): Promise<Answer> {
  if (request.actor.kind === 'anonymous' || request.actor.kind === 'app')
    return failure(401, 'This endpoint requires you to be authenticated.')
  const schema = await gitHubSchema()
  const read = readDocument(schema, textAt(request.body, 'query'))
  if ('errors' in read) return refused(parts, request, read.errors)
  const operationName = textAt(request.body, 'operationName') || undefined
  const kind = getOperationAST(read.document, operationName)?.operation
  if (kind !== 'query' && kind !== 'mutation')
    return refused(parts, request, [new GraphQLError('An operation name is required')])
  const context: Context = { request, changed: false, denies: parts.state.denies }
  const { data, errors } = await execute({
    schema,
    document: read.document,
    rootValue: parts.root(kind, request),
    fieldResolver: resolve,
    contextValue: context,
    variableValues: { ...objectAt(request.body, 'variables') },
    operationName,
  })
  if (data === undefined) return refused(parts, request, errors ?? [])
  const shown = errors?.map(shownError)
  return { ...answer(200, { data, ...(shown && { errors: shown }) }), unchanged: !context.changed }
}

/** A field that GitHub has and this layer has not is said aloud: it is no null of GitHub's. */
const resolve: GraphQLFieldResolver<Source, Context> = (
  source,
  given,
  context,
  { fieldName, parentType, returnType },
) => {
  const types = [parentType, ...parentType.getInterfaces()]
  if (types.some(({ name }) => context.denies.includes(`${name}.${fieldName}`)))
    throw new QueryError('FORBIDDEN', 'Resource not accessible by integration')
  const found = source[fieldName]
  if (found === undefined)
    throw new Error(`GitHub emulator: ${parentType.name}.${fieldName} is not built`)
  if (typeof found === 'string' && getNamedType(returnType).name === 'DateTime')
    return wholeSeconds(found)
  return typeof found === 'function' ? found(given, context) : found
}

/** The whole request: nothing of it is carried out. */
function refused({ ledger }: Parts, request: ApiRequest, errors: readonly GraphQLError[]): Answer {
  ledger.violated(request, errors.map(({ message }) => message).join('; '))
  return { ...answer(200, { errors: errors.map(shownError) }), unchanged: true }
}

function shownError(error: GraphQLError): GraphQLFormattedError & { type?: string } {
  const { originalError } = error
  if (originalError instanceof QueryError) return { type: originalError.type, ...error.toJSON() }
  // What the layer itself gets wrong is no answer of GitHub's.
  if (originalError && !(originalError instanceof GraphQLError)) throw originalError
  return error.toJSON()
}

type Read = { document: DocumentNode } | { errors: readonly GraphQLError[] }

/** The bot sends a few texts again and again. */
const documents = new Map<string, Read>()

function readDocument(schema: GraphQLSchema, text: string): Read {
  const known = documents.get(text) ?? checkDocument(schema, text)
  documents.set(text, known)
  return known
}

function checkDocument(schema: GraphQLSchema, text: string): Read {
  try {
    const document = parse(text)
    const errors = validate(schema, document)
    return errors.length > 0 ? { errors } : { document }
  } catch (error) {
    if (error instanceof GraphQLError) return { errors: [error] }
    throw error
  }
}

let known: Promise<GraphQLSchema> | undefined

/** It has a megabyte and takes a third of a second, so it is read when the first text arrives. */
export function gitHubSchema(): Promise<GraphQLSchema> {
  known ??= import('@octokit/graphql-schema').then(({ schema }) =>
    buildASTSchema(parse(schema.idl, { noLocation: true }), {
      assumeValid: true,
      assumeValidSDL: true,
    }),
  )
  return known
}
