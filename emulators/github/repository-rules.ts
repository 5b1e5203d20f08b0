/** Repositories are renamed, transferred, archived and deleted: emulate tells nobody. */

import { type Answer, type ApiRequest, failure } from './http.ts'
import { isObject, type JsonObject, numberAt, textAt } from './json.ts'
import type { At, Layer, Rule } from './layer.ts'
import type { Memory } from './memory.ts'

function tell(
  layer: Layer,
  { actor }: ApiRequest,
  repository: unknown,
  action: string,
  extra: JsonObject = {},
): void {
  layer.events.made({
    event: 'repository',
    action,
    repository: textAt(repository, 'full_name'),
    sender: actor.login,
    extra,
  })
}

function know({ memory }: Layer, found: unknown): void {
  const flag = (key: string): boolean => isObject(found) && found[key] === true
  const fullName = textAt(found, 'full_name')
  memory.know({
    fullName,
    id: numberAt(found, 'id'),
    private: flag('private'),
    archived: flag('archived'),
  })
}

async function change(
  layer: Layer,
  request: ApiRequest,
  { repository, name }: At,
): Promise<Answer> {
  const before = layer.memory.repository(repository)
  const changed = await layer.forward(request)
  if (changed.status !== 200 || !before) return changed
  const { body } = changed
  know(layer, body)
  const archived = isObject(body) && body.archived === true
  if (textAt(body, 'full_name') !== before.fullName)
    tell(layer, request, body, 'renamed', { changes: { repository: { name: { from: name } } } })
  else if (archived !== before.archived)
    tell(layer, request, body, archived ? 'archived' : 'unarchived')
  else tell(layer, request, body, 'edited', { changes: {} })
  return changed
}

/** The installation it leaves is told that it lost it, the one it comes to that it came. */
async function transfer(
  layer: Layer,
  request: ApiRequest,
  { repository, owner }: At,
): Promise<Answer> {
  const before = layer.memory.repository(repository)
  const from = await layer.upstream.read(`/orgs/${owner}`)
  const moved = await layer.forward(request)
  if (moved.status >= 300 || !before) return moved
  know(layer, moved.body)
  const sender = request.actor.login
  await layer.installations.leave(before, sender)
  tell(layer, request, moved.body, 'transferred', {
    changes: { owner: { from: { organization: from } } },
  })
  return { ...moved, status: 202 }
}

async function remove(layer: Layer, request: ApiRequest, { repository }: At): Promise<Answer> {
  const gone = await layer.upstream.read(`/repos/${repository}`)
  const removed = await layer.forward(request)
  if (removed.status !== 204) return removed
  tell(layer, request, gone, 'deleted', { repository: gone })
  layer.memory.forget(repository)
  return removed
}

const archivedMessage = 'Repository was archived so is read-only.'

/** For everybody, whatever they want to write. */
export function refuseArchived(
  memory: Memory,
  { method, path }: Pick<ApiRequest, 'method' | 'path'>,
): Answer | undefined {
  const [, name, rest] = /^\/repos\/([^/]+\/[^/]+)(\/.+)?$/.exec(path) ?? []
  if (name === undefined || rest === undefined || method === 'GET') return undefined
  return memory.repository(name)?.archived ? failure(403, archivedMessage) : undefined
}

/** GitHub's words for refs and commits before the first commit [E]. */
async function unlessEmpty(layer: Layer, request: ApiRequest, { repository }: At): Promise<Answer> {
  const given = await layer.forward(request)
  const found = given.status < 300 && !(Array.isArray(given.body) && given.body.length === 0)
  if (found || (await layer.upstream.readAll(`/repos/${repository}/branches`)).length > 0)
    return given
  return failure(409, 'Git Repository is empty.')
}

export const repositoryRules: Rule[] = [
  ['PATCH', '', change],
  ['DELETE', '', remove],
  ['POST', '/transfer', transfer],
  ['GET', '/git/:list{ref|matching-refs}/:ref{.+}', unlessEmpty],
  ['GET', '/commits', unlessEmpty],
]
