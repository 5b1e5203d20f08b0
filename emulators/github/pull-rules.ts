/** GitHub's rules for pull requests. emulate makes missing branches up and forgets what is pushed after opening. */

import type { Params } from '../routes.ts'
import type { Events } from './events.ts'
import { filesOfFork } from './fork-objects.ts'
import { type Api, mergeOnto, tipOf } from './git.ts'
import {
  type Answer,
  type ApiRequest,
  answer,
  failure,
  invalid,
  notFound,
  type Route,
  repoRoute,
} from './http.ts'
import { isObject, type JsonObject, listAt, numberAt, textAt } from './json.ts'
import { type Memory, type PullMemory, threadKey } from './memory.ts'
import { pullAsIssue } from './repairs.ts'
import { mayAtLeast } from './roles.ts'
import type { Upstream } from './upstream.ts'

interface Parts {
  url: string
  upstream: Upstream
  memory: Memory
  events: Events
  forward(request: ApiRequest, changes?: { path?: string; body?: unknown }): Promise<Answer>
}

const admin = ({ upstream }: Parts) => upstream.asAdmin.bind(upstream)

async function refuseBadPull(parts: Parts, { body }: ApiRequest, { owner, name }: Params) {
  const repository = `${owner}/${name}`
  const base = textAt(body, 'base')
  const [headOwner, headRef] = headOf(textAt(body, 'head'), owner ?? '')
  if (!base || !headRef || !textAt(body, 'title')) return invalid('PullRequest', base ? 'title' : 'base')
  if (!(await tipOf(admin(parts), repository, base))) return invalid('PullRequest', 'base')
  if (headOwner !== owner) return undefined
  const head = await tipOf(admin(parts), repository, headRef)
  if (!head) return invalid('PullRequest', 'head')
  return (
    (await refuseEmpty(parts, repository, base, headRef)) ?? refuseSecond(parts, repository, base, headRef)
  )
}

function headOf(head: string, owner: string): [string, string] {
  const colon = head.indexOf(':')
  return colon < 0 ? [owner, head] : [head.slice(0, colon), head.slice(colon + 1)]
}

async function refuseEmpty({ upstream }: Parts, repository: string, base: string, head: string) {
  const compared = await upstream.read(`/repos/${repository}/compare/${base}...${head}`)
  if (!compared || numberAt(compared, 'ahead_by') > 0) return undefined
  return invalid('PullRequest', 'base', `No commits between ${base} and ${head}`)
}

async function refuseSecond({ upstream }: Parts, repository: string, base: string, head: string) {
  const label = `${repository.split('/')[0]}:${head}`
  const open = await upstream.readAll(`/repos/${repository}/pulls?state=open&base=${base}&head=${label}`)
  return open.length === 0
    ? undefined
    : invalid('PullRequest', 'head', `A pull request already exists for ${label}.`)
}

/** emulate tells nobody when only the base changes. */
async function retarget(parts: Parts, request: ApiRequest, { owner, name, number }: Params) {
  const repository = `${owner}/${name}`
  const base = textAt(request.body, 'base')
  const before = base && (await parts.upstream.read(request.path))
  if (!before || textAt(before, 'base', 'ref') === base) return undefined
  if (!(await tipOf(admin(parts), repository, base))) return invalid('PullRequest', 'base')
  if (base === textAt(before, 'head', 'ref') && textAt(before, 'head', 'repo', 'full_name') === repository) {
    const message = `There are no new commits between base branch '${base}' and head branch '${base}'`
    return invalid('PullRequest', 'base', message)
  }
  const patched = await parts.forward(request)
  if (patched.status !== 200) return patched
  const changes = {
    base: { ref: { from: textAt(before, 'base', 'ref') }, sha: { from: textAt(before, 'base', 'sha') } },
  }
  const pull = structuredClone(patched.body)
  const sender = request.actor.login
  const extra = { number: Number(number), pull_request: pull, changes }
  parts.events.made({ event: 'pull_request', action: 'edited', repository, sender, extra })
  return patched
}

async function merge(parts: Parts, request: ApiRequest, { owner, name, number }: Params) {
  const repository = `${owner}/${name}`
  const { actor } = request
  const may = actor.kind !== 'person' || (await mayAtLeast(parts, repository, actor.login, 'write'))
  if (!may) return failure(403, 'Must have write rights to Repository.')
  const path = `/repos/${repository}/pulls/${number}`
  const pull = await parts.upstream.read(path)
  const known = parts.memory.pulls.get(threadKey(repository, Number(number)))
  if (!pull || !known) return notFound()
  if (pull.draft) return failure(405, 'Pull Request is still a draft')
  if (pull.state !== 'open') return failure(405, 'Pull Request is not mergeable')
  const branch = textAt(pull, 'base', 'ref')
  const base = await tipOf(admin(parts), repository, branch)
  const head = await tipOf(admin(parts), known.headRepository, known.headRef)
  if (head) known.headSha = head
  const merged = await parts.forward(request)
  if (merged.status !== 200 || !base || !head || known.headRepository !== repository) return merged
  const message = `Merge pull request #${number} from ${owner}/${known.headRef}`
  const { authorization } = request.headers
  const merger: Api = (method, to, body) =>
    parts.upstream.send({ method, path: to, authorization, body: JSON.stringify(body) })
  known.mergeCommitSha = await mergeOnto(merger, { repository, branch, base, head, message })
  await closeIssues(parts, request, repository, pull)
  return { ...merged, body: { ...(isObject(merged.body) && merged.body), sha: known.mergeCommitSha } }
}

export function closingNumbers(body: string): number[] {
  return [...body.matchAll(/\b(?:close[sd]?|fix(?:e[sd])?|resolve[sd]?):?\s+#(\d+)/gi)].map(match =>
    Number(match[1]),
  )
}

/** Only a merge into the default branch closes what the body says it closes. */
async function closeIssues(parts: Parts, request: ApiRequest, repository: string, pull: JsonObject) {
  if (textAt(pull, 'base', 'ref') !== textAt(pull, 'base', 'repo', 'default_branch')) return
  for (const number of closingNumbers(textAt(pull, 'body'))) {
    const path = `/repos/${repository}/issues/${number}`
    await parts.forward({ ...request, method: 'PATCH' }, { path, body: { state: 'closed' } })
  }
}

/** Whoever can't be assigned is left out without a word. */
async function assign(parts: Parts, request: ApiRequest, { owner, name, number }: Params) {
  const repository = `${owner}/${name}`
  const known = parts.memory.pulls.get(threadKey(repository, Number(number)))
  if (!known) return undefined
  for (const login of listAt(request.body, 'assignees').map(String)) {
    const user = await parts.upstream.read(`/users/${encodeURIComponent(login)}`)
    const may = user && (await mayAtLeast(parts, repository, login, 'read'))
    const others = (known.assignees ?? []).filter(one => one.login !== login)
    if (may) known.assignees = [...others, user]
  }
  const pull = await parts.upstream.read(`/repos/${repository}/pulls/${number}`)
  return pull && answer(201, pullAsIssue(pull, parts.url, 0))
}

async function files(
  { upstream, memory }: Parts,
  request: ApiRequest,
  { owner, name, number, list = '' }: Params,
) {
  const repository = `${owner}/${name}`
  const pull = await upstream.read(`/repos/${repository}/pulls/${number}`)
  const known = memory.pulls.get(threadKey(repository, Number(number)))
  if (!pull || !known) return undefined
  const base = pull.merged ? textAt(pull, 'base', 'sha') : textAt(pull, 'base', 'ref')
  const compared =
    known.headRepository === repository
      ? await upstream.read(`/repos/${repository}/compare/${base}...${known.headSha}`)
      : await filesOfFork({ upstream }, pull, known)
  const page = Number(request.query.get('page') ?? 1)
  const perPage = Number(request.query.get('per_page') ?? 30)
  return answer(200, listAt(compared, list).slice((page - 1) * perPage, page * perPage))
}

/** After the push: emulate never sends `synchronize`. */
async function push(parts: Parts, request: ApiRequest, params: Params): Promise<Answer | undefined> {
  const { owner, name, ref = textAt(request.body, 'branch') } = params
  const repository = `${owner}/${name}`
  const branch = decodeURIComponent(ref).replace(/^heads\//, '')
  const before = await tipOf(admin(parts), repository, branch)
  const pushed = await parts.forward(request)
  const after = textAt(pushed.body, 'object', 'sha') || textAt(pushed.body, 'commit', 'sha')
  if (pushed.status >= 300 || !before || before === after) return pushed
  for (const [key, pull] of parts.memory.pulls) {
    if (pull.headRepository !== repository || pull.headRef !== branch) continue
    await synchronize(parts, key, pull, { before, after, sender: request.actor.login })
  }
  return pushed
}

interface Pushed {
  before: string
  after: string
  sender: string
}

async function synchronize({ upstream, events }: Parts, key: string, pull: PullMemory, pushed: Pushed) {
  const [repository = '', number] = key.split('#')
  const now = await upstream.read(`/repos/${repository}/pulls/${number}`)
  if (now?.state !== 'open') return
  pull.headSha = pushed.after
  const { before, after, sender } = pushed
  const extra = { number: Number(number), before, after, pull_request: now }
  events.made({ event: 'pull_request', action: 'synchronize', repository, sender, extra })
}

async function deleteRef(parts: Parts, request: ApiRequest, { owner, name, ref = '' }: Params) {
  const deleted = await parts.forward(request)
  if (deleted.status !== 204) return deleted
  const [, kind, short] = /^(heads|tags)\/(.+)$/.exec(decodeURIComponent(ref)) ?? []
  const extra = { ref: short, ref_type: kind === 'tags' ? 'tag' : 'branch', pusher_type: 'user' }
  parts.events.made({ event: 'delete', repository: `${owner}/${name}`, sender: request.actor.login, extra })
  return deleted
}

export function pullRoutes(parts: Parts): Route[] {
  const route = repoRoute(parts)
  return [
    route('POST', '/pulls', refuseBadPull),
    route('PATCH', '/pulls/:number{[0-9]+}', retarget),
    route('PUT', '/pulls/:number{[0-9]+}/merge', merge),
    route('POST', '/issues/:number{[0-9]+}/assignees', assign),
    route('GET', '/pulls/:number{[0-9]+}/:list{files|commits}', files),
    route('PATCH', '/git/refs/:ref{.+}', push),
    route('PUT', '/contents/:path{.+}', push),
    route('DELETE', '/contents/:path{.+}', push),
    route('DELETE', '/git/refs/:ref{.+}', deleteRef),
  ]
}
