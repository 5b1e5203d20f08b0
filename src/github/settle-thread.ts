/**
 * Effects about a pull request and at the end of a Run, in one mutation since all are repeatable. What GitHub refuses of
 * it is named. A status is then left to its own step, which knows what to do about a deleted one.
 */
import { z } from 'zod'
import { unlessRejected } from '../core/model/errors.ts'
import type { CommentRef } from '../core/model/trigger.ts'
import type { PullChange, Reaction, Settled, Settling, SettlingPart } from '../core/model/views.ts'
import { labelKey, named, personKey, query, send, subjectQuery, threadKey } from './graphql.ts'
import { FullPull, pullFields } from './nodes.ts'
import { pullWith } from './pull-requests.ts'
import type { ThreadAccess } from './read-ahead.ts'
import { repeatable, unlessLimited } from './request-rules.ts'

/** The types of the variables of all pieces. */
const types = {
  pull: 'ID!',
  title: 'String!',
  base: 'String!',
  body: 'String!',
  labels: '[ID!]!',
  person: 'ID!',
  subject: 'ID!',
  content: 'ReactionContent!',
  status: 'ID!',
  text: 'String!',
  fold: 'ID!',
}

type Part = SettlingPart | 'react' | 'unreact' | 'fold'

interface Piece {
  part: Part
  variables: Partial<Record<keyof typeof types, string | readonly string[]>>
}

const pullRequest = `{ pullRequest { ${pullFields} } }`

/** The mutation of a change is not here: it names only what is changed. */
const mutations: Record<Exclude<Part, 'change'>, string> = {
  labels: `addLabelsToLabelable(input: { labelableId: $pull, labelIds: $labels }) { labelable { ... on PullRequest { ${pullFields} } } }`,
  ready: `markPullRequestReadyForReview(input: { pullRequestId: $pull }) ${pullRequest}`,
  assign: `addAssigneesToAssignable(input: { assignableId: $pull, assigneeIds: [$person] }) { assignable { ... on PullRequest { ${pullFields} } } }`,
  review: `requestReviews(input: { pullRequestId: $pull, userIds: [$person], union: true }) ${pullRequest}`,
  react: 'addReaction(input: { subjectId: $subject, content: $content }) { clientMutationId }',
  unreact: 'removeReaction(input: { subjectId: $subject, content: EYES }) { clientMutationId }',
  status: 'updateIssueComment(input: { id: $status, body: $text }) { clientMutationId }',
  fold: 'minimizeComment(input: { subjectId: $fold, classifier: OUTDATED }) { clientMutationId }',
}

function queryOf({ part, variables }: Piece) {
  if (part !== 'change') return mutations[part]
  const changed = Object.entries(inputNames).filter(([name]) => name in variables)
  const fields = changed.map(([name, input]) => `${input}: $${name}`).join(', ')
  return `updatePullRequest(input: { pullRequestId: $pull, ${fields} }) ${pullRequest}`
}

const inputNames = { title: 'title', base: 'baseRefName', body: 'body' }

export async function settleThread(context: ThreadAccess, settling: Settling): Promise<Settled> {
  const done = settleAll(context, settling)
  if (isMoreThanReaction(settling)) return done
  return done.catch(error => {
    unlessLimited(error)
    return { refused: [] }
  })
}

async function settleAll(context: ThreadAccess, settling: Settling): Promise<Settled> {
  const { pieces, refused, unknownLabels } = await piecesOf(context, settling)
  const done = await mutate(context, pieces, isMoreThanReaction(settling))
  const all = { ...done, refused: [...refused, ...done.refused], unknownLabels }
  if (!settling.pull || all.pull || all.refused.includes('change')) return all
  return { ...all, pull: await pullWith(context, settling.pull.number) }
}

const isMoreThanReaction = ({ pull, status }: Settling) =>
  pull !== undefined || status !== undefined

async function piecesOf(
  context: ThreadAccess,
  { pull, status, reaction, fold }: Settling,
): Promise<Pick<Settled, 'refused' | 'unknownLabels'> & { pieces: Piece[] }> {
  const pieces: Piece[] = []
  const refused: SettlingPart[] = []
  const unknownLabels: string[] = []
  const { app, thread } = context
  const { ids } = app
  if (pull) {
    const id = await idOfPull(context, pull)
    if (pull.change)
      pieces.push({ part: 'change', variables: { pull: id, ...given(context, pull.change) } })
    const labels = (pull.labels ?? []).map(name => ({ name, id: ids.get(labelKey(thread, name)) }))
    const known = labels.flatMap(label => label.id ?? [])
    unknownLabels.push(...labels.flatMap(label => (label.id === undefined ? [label.name] : [])))
    if (known.length > 0) pieces.push({ part: 'labels', variables: { pull: id, labels: known } })
    if (pull.ready) pieces.push({ part: 'ready', variables: { pull: id } })
    for (const part of ['assign', 'review'] as const) {
      const login = pull[part]
      if (login === undefined) continue
      const person = ids.get(personKey(login))
      if (person === undefined) refused.push(part)
      else pieces.push({ part, variables: { pull: id, person } })
    }
  }
  const subject = reaction && (await reactionSubject(context, reaction.target))
  if (reaction && subject !== undefined) {
    const { content } = reaction
    if (content)
      pieces.push({ part: 'react', variables: { subject, content: graphQlName[content] } })
    pieces.push({ part: 'unreact', variables: { subject } })
  }
  if (status) {
    const text = context.written(status.text)
    pieces.push({ part: 'status', variables: { status: status.nodeId, text } })
  }
  if (fold !== undefined) pieces.push({ part: 'fold', variables: { fold } })
  return { pieces, refused, unknownLabels }
}

/** Reads the ids of the person and of the labels as well: another process may have looked at the pull request. */
async function idOfPull(
  context: ThreadAccess,
  { number, assign, review, labels = [] }: NonNullable<Settling['pull']>,
) {
  const { app, thread } = context
  const { ids } = app
  const login = assign ?? review
  const key = threadKey({ ...thread, number })
  const person = login === undefined ? [] : [personKey(login)]
  const wanted = [key, ...person, ...labels.map(name => labelKey(thread, name))]
  if (wanted.some(each => ids.get(each) === undefined))
    await pullWith(context, number, { login, labels })
  return ids.get(key) ?? ''
}

const threadId = subjectQuery(
  'threadId',
  'issueOrPullRequest',
  '... on Issue { id } ... on PullRequest { id }',
  {
    id: z.string(),
  },
)

/** The id of a comment came with its webhook, the id of a thread with what was read ahead. */
async function reactionSubject({ app, client, thread }: ThreadAccess, target: CommentRef) {
  if (target.kind !== 'subject') return target.nodeId
  const known = app.ids.get(threadKey(thread))
  if (known !== undefined) return known
  return (await query(client, threadId, named(thread))).id
}

function given(
  { redact, written }: ThreadAccess,
  { title, base, body, footer }: PullChange,
): Piece['variables'] {
  const below = footer === undefined ? '' : `\n\n${written(footer)}`
  return {
    ...(title === undefined ? {} : { title: redact(title) }),
    ...(base === undefined ? {} : { base }),
    ...(body === undefined ? {} : { body: `${redact(body)}${below}` }),
  }
}

export const graphQlName: Record<Reaction, string> = {
  eyes: 'EYES',
  rocket: 'ROCKET',
  confused: 'CONFUSED',
  '+1': 'THUMBS_UP',
  '-1': 'THUMBS_DOWN',
}

async function mutate(
  { client, redact }: ThreadAccess,
  pieces: readonly Piece[],
  isMore: boolean,
): Promise<Settled> {
  if (pieces.length === 0) return { refused: [] }
  const texts = pieces.map(piece => `${piece.part}: ${queryOf(piece)}`).join('\n  ')
  const variables: Piece['variables'] = Object.assign({}, ...pieces.map(piece => piece.variables))
  const declared = Object.entries(types)
    .flatMap(([name, type]) => (name in variables ? [`$${name}: ${type}`] : []))
    .join(', ')
  const mutation = `mutation ${isMore ? 'settleThread' : 'swapReaction'}(${declared}) {\n  ${texts}\n}`
  const how = isMore ? {} : repeatable
  const response = await send(client, mutation, { ...variables, ...how }).catch(unlessRejected)
  // What fails below a part concerns its response: the part itself was done.
  const isRefused = (part: SettlingPart) =>
    response ? response.missing.has(part) : pieces.some(piece => piece.part === part)
  const parts = z.record(z.string(), z.unknown()).safeParse(response?.data).data ?? {}
  // The pull request as the last part that tells of it left it.
  const pull = Object.values(parts)
    .flatMap(part => Object.values(part ?? {}))
    .flatMap(shown => FullPull.safeParse(shown).data ?? [])
    .at(-1)
  return {
    pull: pull && { ...pull, title: redact(pull.title) },
    refused: (['change', 'labels', 'ready', 'assign', 'review', 'status'] as const).filter(
      isRefused,
    ),
  }
}
