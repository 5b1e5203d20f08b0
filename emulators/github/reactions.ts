/** Reactions on issues, pull requests, their comments and reviews: emulate has none. */
import { type Answer, type ApiRequest, answer, failure, invalid, notFound } from './http.ts'
import { type JsonObject, textAt } from './json.ts'
import type { At, Layer, Rule } from './layer.ts'
import { mayWrite } from './roles.ts'

const REACTIONS = ['+1', '-1', 'laugh', 'confused', 'heart', 'hooray', 'rocket', 'eyes'] as const
export type ReactionContent = (typeof REACTIONS)[number]

export interface Reaction {
  id: number
  content: ReactionContent
  login: string
  user: JsonObject
  createdAt: string
}

export class ReactionBook {
  readonly #bySubject = new Map<string, Reaction[]>()
  #nextId = 70_001

  of(subject: string): Reaction[] {
    return this.#bySubject.get(subject) ?? []
  }

  add(subject: string, content: ReactionContent, user: JsonObject): { reaction: Reaction; isNew: boolean } {
    const login = textAt(user, 'login')
    const there = this.of(subject).find(reaction => reaction.login === login && reaction.content === content)
    if (there) return { reaction: there, isNew: false }
    const reaction = { id: this.#nextId++, content, login, user, createdAt: new Date().toISOString() }
    this.#bySubject.set(subject, [...this.of(subject), reaction])
    return { reaction, isNew: true }
  }

  remove(subject: string, isGone: (reaction: Reaction) => boolean): Reaction | undefined {
    const gone = this.of(subject).find(isGone)
    this.#bySubject.set(
      subject,
      this.of(subject).filter(reaction => reaction !== gone),
    )
    return gone
  }

  summary(subject: string, url: string): JsonObject {
    const all = this.of(subject)
    const counts = REACTIONS.map(content => [content, all.filter(one => one.content === content).length])
    return { url: `${url}/reactions`, total_count: all.length, ...Object.fromEntries(counts) }
  }
}

export function isReaction(value: string): value is ReactionContent {
  return (REACTIONS as readonly string[]).includes(value)
}

const json = (reaction: Reaction): JsonObject => ({
  id: reaction.id,
  node_id: `REA_${reaction.id}`,
  user: reaction.user,
  content: reaction.content,
  created_at: reaction.createdAt,
})

/** The subject's node id when it exists: reactions hang on it, for REST and GraphQL alike. */
async function subjectOf({ upstream }: Layer, { repository, kind, id }: At): Promise<string | undefined> {
  const base = `/repos/${repository}`
  const looks =
    kind === 'issues' ? [`${base}/issues/${id}`, `${base}/pulls/${id}`] : [`${base}/${kind}/${id}`]
  for (const path of looks) {
    const found = await upstream.read(path)
    if (found) return textAt(found, 'node_id')
  }
  return undefined
}

function refusal({ actor }: ApiRequest): Answer | undefined {
  if (actor.kind === 'anonymous' || actor.kind === 'app') return failure(401, 'Requires authentication')
  if (actor.kind === 'bot' && !mayWrite(actor, 'issues', 'pull_requests'))
    return failure(403, 'Resource not accessible by integration')
  return undefined
}

async function add(layer: Layer, request: ApiRequest, subject: string): Promise<Answer> {
  const content = textAt(request.body, 'content')
  if (!isReaction(content)) return invalid('Reaction', 'content')
  const user = await layer.upstream.read(`/users/${encodeURIComponent(request.actor.login)}`)
  const { reaction, isNew } = layer.reactions.add(subject, content, user ?? {})
  return { ...answer(isNew ? 201 : 200, json(reaction)), unchanged: !isNew }
}

/** Taken back by GraphQL alone. */
export const reactionRules: Rule[] = [
  [
    'POST',
    '/:kind{issues|issues/comments|pulls/comments}/:id{[0-9]+}/reactions',
    async (layer, request, params) => {
      const found = await subjectOf(layer, params)
      return refusal(request) ?? (found ? add(layer, request, found) : notFound())
    },
  ],
]
