/**
 * Effects about a pull request and at the end of a Run, in one mutation since all are repeatable; without GraphQL, one by
 * one. A status, and its folding, are then left to their own steps, which know what to do about a deleted one.
 */
import type { Octokit } from '@octokit/rest'
import { z } from 'zod'
import { Rejected } from '../core/model/errors.ts'
import type { Thread } from '../core/model/thread.ts'
import type {
  PullChange,
  PullView,
  Reaction,
  Settled,
  Settling,
  SettlingPart,
  Target,
} from '../core/model/views.ts'
import { type ReadAheads, threadKey } from './ahead-cache.ts'
import { PullNode, pullFields, pullWith, type QueryContext, viewOfNode } from './pull-requests.ts'
import { isGraphqlError, partOf } from './response-faults.ts'

export interface Singly {
  pull(number: number): Promise<PullView | undefined>
  amendPull(number: number, change: PullChange): Promise<PullView>
  assign(number: number, login: string): Promise<void>
  requestReview(number: number, login: string): Promise<void>
  react(target: Target, content: Reaction): Promise<void>
  unreact(target: Target, content: Reaction): Promise<void>
  minimize(nodeId: string): Promise<void>
}

interface Piece {
  part: SettlingPart | 'react' | 'unreact' | 'fold'
  text: string
  declares: string
  variables: Record<string, string>
}

export async function settleThread(
  context: QueryContext,
  singly: Singly,
  settling: Settling,
): Promise<Settled> {
  await learnIds(context, settling)
  const pieces = piecesOf(context, settling)
  const response =
    (pieces && (await mutate(context.client, pieces, settling.pull !== undefined))) ??
    (await doSingly(singly, settling))
  if (!settling.pull || response.pull || response.refused.includes('change')) return response
  const pull = await singly.pull(settling.pull.number)
  return { ...response, pull }
}

/** Another process may have seen the pull request. */
async function learnIds(context: QueryContext, { pull }: Settling): Promise<void> {
  const login = pull?.assign ?? pull?.review
  if (!pull || login === undefined) return
  const { aheads, thread } = context
  const names = [threadKey({ ...thread, number: pull.number }), `user/${login}`]
  if (names.some(name => aheads.ids.get(name) === undefined)) await pullWith(context, pull.number, login)
}

function piecesOf(
  { aheads, thread }: QueryContext,
  { pull, status, reaction, fold }: Settling,
): Piece[] | undefined {
  if (aheads.isAbsent()) return undefined
  const pieces: Piece[] = []
  if (pull) {
    const id = aheads.ids.get(threadKey({ ...thread, number: pull.number }))
    if (id === undefined) return undefined
    if (pull.change) pieces.push(change(id, pull.change))
    for (const part of ['assign', 'review'] as const) {
      const login = pull[part]
      const person = login === undefined ? undefined : aheads.ids.get(`user/${login}`)
      if (login !== undefined && person === undefined) return undefined
      if (person !== undefined) pieces.push(involving[part](id, person))
    }
  }
  if (reaction) {
    const subject = subjectOf(aheads, thread, reaction.target)
    if (subject === undefined) return undefined
    if (reaction.content) pieces.push(react(subject, reaction.content))
    pieces.push(unreact(subject))
  }
  if (status) pieces.push(editing(status))
  if (fold !== undefined) pieces.push(minimize(fold))
  return pieces
}

function subjectOf(aheads: ReadAheads, thread: Thread, target: Target): string | undefined {
  return target.kind === 'subject' ? aheads.ids.get(threadKey(thread)) : target.nodeId
}

function change(pull: string, { base, body }: PullChange): Piece {
  const given = Object.entries({ base, body }).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, value] as const],
  )
  const fields = given.map(([name]) => `${name === 'base' ? 'baseRefName' : name}: $${name}`).join(', ')
  return {
    part: 'change',
    text: `updatePullRequest(input: { pullRequestId: $pull, ${fields} }) { pullRequest { ${pullFields} } }`,
    declares: `$pull: ID!, ${given.map(([name]) => `$${name}: String!`).join(', ')}`,
    variables: { pull, ...Object.fromEntries(given) },
  }
}

const involving = {
  assign: (pull: string, person: string): Piece => ({
    part: 'assign',
    text: `addAssigneesToAssignable(input: { assignableId: $pull, assigneeIds: [$person] }) { assignable { ... on PullRequest { ${pullFields} } } }`,
    declares: '$pull: ID!, $person: ID!',
    variables: { pull, person },
  }),
  review: (pull: string, person: string): Piece => ({
    part: 'review',
    text: `requestReviews(input: { pullRequestId: $pull, userIds: [$person], union: true }) { pullRequest { ${pullFields} } }`,
    declares: '$pull: ID!, $person: ID!',
    variables: { pull, person },
  }),
}

const react = (subject: string, content: Reaction): Piece => ({
  part: 'react',
  text: 'addReaction(input: { subjectId: $subject, content: $content }) { clientMutationId }',
  declares: '$subject: ID!, $content: ReactionContent!',
  variables: { subject, content: graphQlName[content] },
})

const unreact = (subject: string): Piece => ({
  part: 'unreact',
  text: 'removeReaction(input: { subjectId: $subject, content: EYES }) { clientMutationId }',
  declares: '$subject: ID!',
  variables: { subject },
})

const editing = ({ nodeId, text }: NonNullable<Settling['status']>): Piece => ({
  part: 'status',
  text: 'updateIssueComment(input: { id: $status, body: $text }) { clientMutationId }',
  declares: '$status: ID!, $text: String!',
  variables: { status: nodeId, text },
})

const minimize = (fold: string): Piece => ({
  part: 'fold',
  text: 'minimizeComment(input: { subjectId: $fold, classifier: OUTDATED }) { clientMutationId }',
  declares: '$fold: ID!',
  variables: { fold },
})

export const graphQlName: Record<Reaction, string> = {
  eyes: 'EYES',
  rocket: 'ROCKET',
  confused: 'CONFUSED',
  '+1': 'THUMBS_UP',
  '-1': 'THUMBS_DOWN',
}

/** Octokit repeats a mutation of this name, which only swaps reactions. */
export const swapName = 'swapReaction'

async function mutate(
  client: Octokit,
  pieces: readonly Piece[],
  hasPull: boolean,
): Promise<Settled | undefined> {
  if (pieces.length === 0) return { refused: [] }
  const declared = [...new Set(pieces.flatMap(({ declares }) => declares.split(', ')))].join(', ')
  const texts = pieces.map(({ part, text }) => `${part}: ${text}`).join('\n  ')
  const mutation = `mutation ${hasPull ? 'settleThread' : swapName}(${declared}) {\n  ${texts}\n}`
  const variables = Object.assign({}, ...pieces.map(piece => piece.variables))
  try {
    return { ...pullIn(await client.graphql(mutation, variables)), refused: [] }
  } catch (error) {
    if (error instanceof Rejected) return undefined
    if (!isGraphqlError(error)) throw error
    const part = partOf(error)
    // Errors below a part concern its response; the part itself was done.
    const refused = (['change', 'assign', 'review', 'status'] as const).filter(name =>
      part?.missing.includes(name),
    )
    return part && { ...pullIn(part.data), refused }
  }
}

const Shown = z.object({ pullRequest: PullNode }).or(z.object({ assignable: PullNode }))

/** As the last part that tells of it left it. */
function pullIn(response: unknown): Pick<Settled, 'pull'> {
  const parts = z.record(z.string(), z.unknown()).safeParse(response).data ?? {}
  const shown = Object.values(parts).flatMap(part => Shown.safeParse(part).data ?? [])
  const last = shown.at(-1)
  return last ? { pull: viewOfNode('pullRequest' in last ? last.pullRequest : last.assignable) } : {}
}

async function doSingly(singly: Singly, { pull, status, reaction, fold }: Settling): Promise<Settled> {
  const refused: SettlingPart[] = status ? ['status'] : []
  const tried = async <T>(part: SettlingPart, effect: Promise<T>): Promise<T | undefined> =>
    effect.catch((error: unknown) => {
      if (!(error instanceof Rejected) || error.of === 'read') throw error
      refused.push(part)
      return undefined
    })
  const { number = 0, change: wanted, assign, review } = pull ?? {}
  const amended = wanted && (await tried('change', singly.amendPull(number, wanted)))
  if (assign !== undefined) await tried('assign', singly.assign(number, assign))
  if (review !== undefined) await tried('review', singly.requestReview(number, review))
  if (reaction) {
    if (reaction.content) await singly.react(reaction.target, reaction.content)
    await singly.unreact(reaction.target, 'eyes')
  }
  if (fold !== undefined && !status) await singly.minimize(fold)
  return { pull: amended, refused }
}
