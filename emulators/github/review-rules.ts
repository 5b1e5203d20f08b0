/** Reviews and their comments: emulate wants positions, forgets lines and tells only of the review itself. */

import type { Params } from '../routes.ts'
import type { Events } from './events.ts'
import { type Answer, type ApiRequest, notFound, type Route, repoRoute } from './http.ts'
import { isObject, type JsonObject, listAt, numberAt, textAt } from './json.ts'
import type { Memory } from './memory.ts'
import type { Upstream } from './upstream.ts'

interface Parts {
  upstream: Upstream
  memory: Memory
  events: Events
  forward(request: ApiRequest, changes?: { path?: string; body?: unknown }): Promise<Answer>
}

async function review(parts: Parts, request: ApiRequest, { owner, name, number }: Params) {
  const repository = `${owner}/${name}`
  const asked = listAt(request.body, 'comments').filter(isObject)
  const comments = asked.map(comment => ({ ...comment, position: comment.position ?? comment.line ?? 1 }))
  const made = await parts.forward(request, {
    body: { ...(isObject(request.body) && request.body), comments },
  })
  if (made.status >= 300 || asked.length === 0) return made
  const path = `/repos/${repository}/pulls/${number}`
  const stored = await parts.upstream.readAll(`${path}/reviews/${numberAt(made.body, 'id')}/comments`)
  stored.forEach((comment, index) => {
    rememberLine(parts, numberAt(comment, 'id'), asked[index] ?? {})
  })
  const pull = await parts.upstream.read(path)
  for (const comment of textAt(made.body, 'state') === 'PENDING' ? [] : stored) {
    const extra = { comment, pull_request: structuredClone(pull) }
    const sender = request.actor.login
    parts.events.made({ event: 'pull_request_review_comment', action: 'created', repository, sender, extra })
  }
  return made
}

function rememberLine({ memory }: Parts, id: number, { line, side }: JsonObject): void {
  if (typeof line === 'number')
    memory.reviewLines.set(id, { line, side: typeof side === 'string' ? side : 'RIGHT' })
}

/** GitHub's field is `in_reply_to`, emulate's is `in_reply_to_id`; a reply sits where its parent sits. */
async function comment(parts: Parts, request: ApiRequest, params: Params) {
  const parentId = numberAt(request.body, 'in_reply_to')
  if (!parentId) return undefined
  return reply(parts, request, { ...params, parent: String(parentId) })
}

async function reply(parts: Parts, request: ApiRequest, { owner, name, number, parent: parentId }: Params) {
  const pulls = `/repos/${owner}/${name}/pulls`
  const parent = await parts.upstream.read(`${pulls}/comments/${parentId}`)
  if (!parent) return notFound()
  const { path, position, side } = parent
  const at = parts.memory.reviewLines.get(Number(parentId)) ?? { line: parent.line, side }
  const body = { body: textAt(request.body, 'body'), path, position, ...at, in_reply_to_id: Number(parentId) }
  return parts.forward({ ...request, method: 'POST' }, { path: `${pulls}/${number}/comments`, body })
}

export function reviewRoutes(parts: Parts): Route[] {
  const route = repoRoute(parts)
  return [
    route('POST', '/pulls/:number{[0-9]+}/reviews', review),
    route('POST', '/pulls/:number{[0-9]+}/comments', comment),
    route('POST', '/pulls/:number{[0-9]+}/comments/:parent{[0-9]+}/replies', reply),
  ]
}
