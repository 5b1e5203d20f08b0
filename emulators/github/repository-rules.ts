/** Repositories are renamed, transferred, archived and deleted, branches renamed and protected: emulate tells nobody. */

import type { Params } from '../routes.ts'
import type { Events } from './events.ts'
import { tipOf } from './git.ts'
import { type Answer, type ApiRequest, answer, failure, notFound, type Route, repoRoute } from './http.ts'
import type { Installations } from './installations.ts'
import { isObject, type JsonObject, numberAt, textAt } from './json.ts'
import type { BranchChange, Memory } from './memory.ts'
import type { Upstream } from './upstream.ts'

interface Parts {
  upstream: Upstream
  memory: Memory
  events: Events
  installations: Installations
  forward(request: ApiRequest, changes?: { path?: string; body?: unknown }): Promise<Answer>
  serve(request: ApiRequest, to: { method: string; path: string; body: unknown }): Promise<Answer>
}

function tell(
  parts: Parts,
  { actor }: ApiRequest,
  repository: unknown,
  action: string,
  extra: JsonObject = {},
): void {
  parts.events.made({
    event: 'repository',
    action,
    repository: textAt(repository, 'full_name'),
    sender: actor.login,
    extra,
  })
}

function know({ memory }: Parts, found: unknown): void {
  const flag = (key: string): boolean => isObject(found) && found[key] === true
  const fullName = textAt(found, 'full_name')
  memory.know({ fullName, id: numberAt(found, 'id'), private: flag('private'), archived: flag('archived') })
}

async function change(parts: Parts, request: ApiRequest, { owner, name }: Params): Promise<Answer> {
  const before = parts.memory.repository(`${owner}/${name}`)
  const changed = await parts.forward(request)
  if (changed.status !== 200 || !before) return changed
  const { body } = changed
  know(parts, body)
  const archived = isObject(body) && body.archived === true
  if (textAt(body, 'full_name') !== before.fullName)
    tell(parts, request, body, 'renamed', { changes: { repository: { name: { from: name } } } })
  else if (archived !== before.archived) tell(parts, request, body, archived ? 'archived' : 'unarchived')
  else tell(parts, request, body, 'edited', { changes: {} })
  return changed
}

/** The installation it leaves is told that it lost it, the one it comes to that it came. */
async function transfer(parts: Parts, request: ApiRequest, { owner = '', name }: Params): Promise<Answer> {
  const before = parts.memory.repository(`${owner}/${name}`)
  const from = await parts.upstream.read(`/orgs/${owner}`)
  const moved = await parts.forward(request)
  if (moved.status >= 300 || !before) return moved
  know(parts, moved.body)
  const sender = request.actor.login
  await parts.installations.leave(before, sender)
  tell(parts, request, moved.body, 'transferred', { changes: { owner: { from: { organization: from } } } })
  return { ...moved, status: 202 }
}

async function remove(parts: Parts, request: ApiRequest, { owner, name }: Params): Promise<Answer> {
  const repository = await parts.upstream.read(`/repos/${owner}/${name}`)
  const removed = await parts.forward(request)
  if (removed.status !== 204) return removed
  tell(parts, request, repository, 'deleted', { repository })
  parts.memory.forget(`${owner}/${name}`)
  return removed
}

/** Pull requests onto the branch follow it; those from it are closed. */
async function renameBranch(
  parts: Parts,
  request: ApiRequest,
  { owner, name, branch = '' }: Params,
): Promise<Answer> {
  const repository = `${owner}/${name}`
  const from = decodeURIComponent(branch)
  const to = textAt(request.body, 'new_name')
  const asAdmin = parts.upstream.asAdmin.bind(parts.upstream)
  const sha = await tipOf(asAdmin, repository, from)
  if (!sha) return notFound()
  const refs = `/repos/${repository}/git/refs`
  const made = await parts.serve(request, {
    method: 'POST',
    path: refs,
    body: { ref: `refs/heads/${to}`, sha },
  })
  if (made.status !== 201) return made
  await followBranch(parts, request, repository, from, to)
  const found = await parts.upstream.read(`/repos/${repository}`)
  if (textAt(found, 'default_branch') === from)
    await asAdmin('PATCH', `/repos/${repository}`, { default_branch: to })
  await parts.serve(request, { method: 'DELETE', path: `${refs}/heads/${from}`, body: undefined })
  return answer(201, { name: to, commit: { sha }, protected: false })
}

async function followBranch(parts: Parts, request: ApiRequest, repository: string, from: string, to: string) {
  for (const pull of await parts.upstream.readAll(`/repos/${repository}/pulls?state=open`)) {
    const path = `/repos/${repository}/pulls/${pull.number}`
    if (textAt(pull, 'base', 'ref') === from)
      await parts.serve(request, { method: 'PATCH', path, body: { base: to } })
    if (textAt(pull, 'head', 'ref') === from && textAt(pull, 'head', 'repo', 'full_name') === repository)
      await parts.serve(request, { method: 'PATCH', path, body: { state: 'closed' } })
  }
}

/** As GitHub words what a ruleset forbids. */
const forbidden: Readonly<Record<BranchChange, string>> = {
  create: 'Cannot create ref due to creations being restricted.',
  update: 'Changes must be made through a pull request.',
  delete: 'Cannot delete this protected ref.',
}

function refuseByRules(
  { memory }: Parts,
  repository: string,
  ref: string,
  change: BranchChange,
): Answer | undefined {
  const branch = decodeURIComponent(ref).replace(/^(?:refs\/)?heads\//, '')
  const rule = memory.rulesets.find(
    one => one.repository === repository && one.branches.test(branch) && one.refuses.includes(change),
  )
  return rule && failure(422, `Repository rule violations found\n\n${forbidden[change]}\n\n`)
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
async function unlessEmpty(parts: Parts, request: ApiRequest, { owner, name }: Params): Promise<Answer> {
  const given = await parts.forward(request)
  const found = given.status < 300 && !(Array.isArray(given.body) && given.body.length === 0)
  if (found || (await parts.upstream.readAll(`/repos/${owner}/${name}/branches`)).length > 0) return given
  return failure(409, 'Git Repository is empty.')
}

export function repositoryRoutes(parts: Parts): Route[] {
  const route = repoRoute(parts)
  const ruled =
    (change: BranchChange) =>
    async (
      _: Parts,
      { body }: ApiRequest,
      { owner, name, ref = textAt(body, 'ref') || textAt(body, 'branch') }: Params,
    ) =>
      refuseByRules(parts, `${owner}/${name}`, ref, change)
  return [
    route('PATCH', '', change),
    route('DELETE', '', remove),
    route('POST', '/transfer', transfer),
    route('POST', '/branches/:branch{.+}/rename', renameBranch),
    route('GET', '/git/:list{ref|matching-refs}/:ref{.+}', unlessEmpty),
    route('GET', '/commits', unlessEmpty),
    route('POST', '/git/refs', ruled('create')),
    route('PATCH', '/git/refs/:ref{.+}', ruled('update')),
    route('PUT', '/contents/:path{.+}', ruled('update')),
    route('DELETE', '/git/refs/:ref{.+}', ruled('delete')),
  ]
}
