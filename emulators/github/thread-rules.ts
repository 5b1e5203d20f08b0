/** GitHub's rules for issues and comments, checked before emulate, which has none of them, is asked. */

import type { Params } from '../routes.ts'
import { type Answer, type ApiRequest, answer, failure, notFound, type Route, repoRoute } from './http.ts'
import { isObject, type JsonObject, listAt, textAt } from './json.ts'
import { type Memory, threadKey } from './memory.ts'
import { isPull, pullAsIssue } from './repairs.ts'
import { mayAtLeast } from './roles.ts'
import type { Upstream } from './upstream.ts'

interface Parts {
  url: string
  upstream: Upstream
  memory: Memory
  forward(request: ApiRequest, changes?: { path?: string; body?: unknown }): Promise<Answer>
}

const LONGEST_BODY = 65_536

/** What GitHub calls that whose body is too long. */
const resources: Readonly<Record<string, string>> = {
  '/issues': 'Issue',
  '/issues/:number{[0-9]+}': 'Issue',
  '/issues/:number{[0-9]+}/comments': 'IssueComment',
  '/issues/comments/:id{[0-9]+}': 'IssueComment',
  '/pulls': 'PullRequest',
  '/pulls/:number{[0-9]+}': 'PullRequest',
  '/pulls/:number{[0-9]+}/comments': 'PullRequestReviewComment',
  '/pulls/comments/:id{[0-9]+}': 'PullRequestReviewComment',
  '/pulls/:number{[0-9]+}/reviews': 'PullRequestReview',
}

async function refuseLongBody({ body }: ApiRequest, resource: string): Promise<Answer | undefined> {
  if (textAt(body, 'body').length <= LONGEST_BODY) return undefined
  const message = `Body is too long (maximum is ${LONGEST_BODY} characters)`
  return failure(422, 'Validation Failed', [{ resource, code: 'unprocessable', field: 'data', message }])
}

async function refuseOnLocked(parts: Parts, { actor }: ApiRequest, { owner, name, number }: Params) {
  const repository = `${owner}/${name}`
  const issue = await parts.upstream.read(`/repos/${repository}/issues/${number}`)
  const locked =
    issue?.locked === true || parts.memory.pulls.get(threadKey(repository, Number(number)))?.locked
  if (!locked || actor.kind === 'bot') return undefined
  if (await mayAtLeast(parts, repository, actor.login, 'write')) return undefined
  return failure(403, 'Unable to create comment because issue is locked.')
}

/** Its author and those who may write. */
async function refuseStranger(parts: Parts, request: ApiRequest, { owner, name }: Params) {
  if (request.actor.kind !== 'person') return undefined
  const subject = await parts.upstream.read(request.path)
  if (!subject || textAt(subject, 'user', 'login') === request.actor.login) return undefined
  const may = await mayAtLeast(parts, `${owner}/${name}`, request.actor.login, 'write')
  return may ? undefined : failure(403, 'Must have write rights to Repository.')
}

/** Webhooks of edits say what was there before. */
async function keepBefore({ upstream, memory }: Parts, request: ApiRequest): Promise<undefined> {
  const before = await upstream.read(request.path)
  if (!before) return
  const nodeId = textAt(before, 'node_id')
  memory.edited.add(nodeId)
  const fields = ['title', 'body'].filter(
    field => field in before && isObject(request.body) && field in request.body,
  )
  if (willTell(before, request.body, fields))
    memory.keepBefore(nodeId, Object.fromEntries(fields.map(field => [field, textAt(before, field)])))
}

/** Whether emulate sends `edited`: for a comment always, for a pull request unless its state changes too. */
function willTell(before: JsonObject, after: unknown, fields: string[]): boolean {
  if (!('title' in before)) return fields.length > 0
  const state = textAt(after, 'state')
  if (isPull(before)) return fields.length > 0 && (state === '' || state === before.state)
  return fields.some(field => textAt(after, field) !== textAt(before, field))
}

async function issueOfPull(
  { upstream, url, memory }: Parts,
  _request: ApiRequest,
  { owner, name, number }: Params,
) {
  const repository = `${owner}/${name}`
  if (!memory.pulls.has(threadKey(repository, Number(number)))) return undefined
  const pull = await upstream.read(`/repos/${repository}/pulls/${number}`)
  if (!pull) return notFound()
  const comments = await upstream.readAll(`/repos/${repository}/issues/${number}/comments`)
  return answer(200, pullAsIssue(pull, url, comments.length))
}

async function patchIssueOfPull(parts: Parts, request: ApiRequest, params: Params) {
  const { owner, name, number } = params
  if (!parts.memory.pulls.has(threadKey(`${owner}/${name}`, Number(number)))) return undefined
  const pull = `/repos/${owner}/${name}/pulls/${number}`
  const labels = listAt(request.body, 'labels')
  if (labels.length > 0) {
    const put = { ...request, method: 'PUT' }
    await parts.forward(put, { path: `/repos/${owner}/${name}/issues/${number}/labels`, body: { labels } })
  }
  const patched = await parts.forward(request, { path: pull })
  return patched.status === 200 ? issueOfPull(parts, request, params) : patched
}

async function timelineOfPull({ memory }: Parts, { query }: ApiRequest, { owner, name, number }: Params) {
  const known = memory.pulls.get(threadKey(`${owner}/${name}`, Number(number)))
  if (!known) return undefined
  const perPage = Number(query.get('per_page') ?? 30)
  const start = (Number(query.get('page') ?? 1) - 1) * perPage
  return answer(200, known.events.slice(start, start + perPage))
}

async function lockPull({ memory }: Parts, { method }: ApiRequest, { owner, name, number }: Params) {
  const pull = memory.pulls.get(threadKey(`${owner}/${name}`, Number(number)))
  if (!pull) return undefined
  pull.locked = method === 'PUT'
  return answer(204)
}

export function threadRoutes(parts: Parts): Route[] {
  const route = repoRoute(parts)
  const tooLong = Object.entries(resources).flatMap(([rest, resource]) =>
    ['POST', 'PATCH'].map(method => route(method, rest, (_, request) => refuseLongBody(request, resource))),
  )
  const editable = [
    '/issues/:number{[0-9]+}',
    '/pulls/:number{[0-9]+}',
    '/issues/comments/:id{[0-9]+}',
    '/pulls/comments/:id{[0-9]+}',
  ]
  return [
    ...tooLong,
    route('POST', '/issues/:number{[0-9]+}/comments', refuseOnLocked),
    ...editable.flatMap(rest => [
      route('PATCH', rest, refuseStranger),
      route('DELETE', rest, refuseStranger),
      route('PATCH', rest, keepBefore),
    ]),
    route('GET', '/issues/:number{[0-9]+}/:list{events|timeline}', timelineOfPull),
    route('GET', '/issues/:number{[0-9]+}', issueOfPull),
    route('PATCH', '/issues/:number{[0-9]+}', patchIssueOfPull),
    route('PUT', '/issues/:number{[0-9]+}/lock', lockPull),
    route('DELETE', '/issues/:number{[0-9]+}/lock', lockPull),
  ]
}
