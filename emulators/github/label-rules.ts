/** Labels: who may set them, and the events that emulate forgets. */

import type { Params } from '../routes.ts'
import type { Events } from './events.ts'
import { type Answer, type ApiRequest, failure, type Route, repoRoute } from './http.ts'
import { isObject, listAt, numberAt, textAt } from './json.ts'
import { type Memory, threadKey } from './memory.ts'
import { labelNames } from './repairs.ts'
import { mayAtLeast } from './roles.ts'
import type { Upstream } from './upstream.ts'

interface Parts {
  upstream: Upstream
  memory: Memory
  events: Events
  forward(request: ApiRequest, changes?: { path?: string; body?: unknown }): Promise<Answer>
}

async function mayLabel(parts: Parts, { actor }: ApiRequest, repository: string): Promise<boolean> {
  return actor.kind !== 'person' || mayAtLeast(parts, repository, actor.login, 'triage')
}

async function refuse(parts: Parts, request: ApiRequest, { owner, name }: Params) {
  const may = await mayLabel(parts, request, `${owner}/${name}`)
  return may ? undefined : failure(403, 'Must have triage rights to Repository.')
}

/** Labels given with a new issue are dropped without a word when its author may not set any, and told one by one. */
async function openIssue(parts: Parts, request: ApiRequest, { owner, name }: Params) {
  if (listAt(request.body, 'labels').length === 0) return undefined
  const repository = `${owner}/${name}`
  const may = await mayLabel(parts, request, repository)
  const asked = isObject(request.body) ? request.body : {}
  const made = await parts.forward(request, { body: may ? asked : { ...asked, labels: [], assignees: [] } })
  if (made.status === 201 && isObject(made.body))
    await tell(
      parts,
      request,
      { repository, number: numberAt(made.body, 'number'), action: 'labeled' },
      labelNames(made.body),
    )
  return made
}

async function removeAll(parts: Parts, request: ApiRequest, { owner, name, number }: Params) {
  const repository = `${owner}/${name}`
  const { body } = await parts.upstream.asAdmin('GET', request.path)
  const names = Array.isArray(body) ? body.map(label => textAt(label, 'name')) : []
  const removed = await parts.forward(request)
  if (removed.status < 300)
    await tell(parts, request, { repository, number: Number(number), action: 'unlabeled' }, names)
  return removed
}

interface Change {
  repository: string
  number: number
  action: 'labeled' | 'unlabeled'
}

async function tell(
  parts: Parts,
  { actor }: ApiRequest,
  { repository, number, action }: Change,
  names: string[],
) {
  const isPull = parts.memory.pulls.has(threadKey(repository, number))
  for (const name of names) {
    const thread = await parts.upstream.read(`/repos/${repository}/${isPull ? 'pulls' : 'issues'}/${number}`)
    const extra = { [isPull ? 'pull_request' : 'issue']: thread, label: { name } }
    const event = isPull ? 'pull_request' : 'issues'
    parts.events.made({ event, action, repository, sender: actor.login, extra })
  }
}

export function labelRoutes(parts: Parts): Route[] {
  const route = repoRoute(parts)
  return [
    ...['POST', 'PUT', 'DELETE'].map(method =>
      route(method, '/issues/:number{[0-9]+}/labels/:label?', refuse),
    ),
    route('POST', '/issues', openIssue),
    route('DELETE', '/issues/:number{[0-9]+}/labels', removeAll),
  ]
}
