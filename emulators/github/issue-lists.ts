/**
 * Lists across a repository. GitHub counts pull requests among the issues and emulate does not; and emulate's
 * own routes to all comments of a repository are hidden behind those to one issue and one pull request.
 */

import type { Params } from '../routes.ts'
import { type Answer, type ApiRequest, answer, type Route, repoRoute } from './http.ts'
import { type JsonObject, listAt, numberAt, textAt } from './json.ts'
import type { Memory } from './memory.ts'
import { pullAsIssue } from './repairs.ts'
import type { Upstream } from './upstream.ts'

interface Parts {
  url: string
  upstream: Upstream
  memory: Memory
}

async function listIssues({ upstream, url }: Parts, request: ApiRequest, { owner, name }: Params) {
  const { query } = request
  const filters = new URLSearchParams([...query].filter(([key]) => key !== 'page' && key !== 'per_page'))
  const issues = await upstream.readAll(`/repos/${owner}/${name}/issues?${filters}`)
  const pulls = await upstream.readAll(`/repos/${owner}/${name}/pulls?state=${query.get('state') ?? 'open'}`)
  const wanted = pulls
    .filter(pull => isWanted(pull, query))
    .map(pull => pullAsIssue(pull, url, numberAt(pull, 'comments')))
  return paged(sorted([...issues, ...wanted], query, 'desc'), request, url)
}

function isWanted(pull: JsonObject, query: URLSearchParams): boolean {
  const names = listAt(pull, 'labels').map(label => textAt(label, 'name'))
  const labels = query.get('labels')?.split(',') ?? []
  const creator = query.get('creator')
  if (creator && textAt(pull, 'user', 'login') !== creator) return false
  return (
    labels.every(label => names.includes(label)) && textAt(pull, 'updated_at') >= (query.get('since') ?? '')
  )
}

async function listComments(parts: Parts, request: ApiRequest, { owner, name, kind }: Params) {
  const repository = `${owner}/${name}`
  const wanted = kind === 'issues' ? 'comment' : 'review-comment'
  const numbers = [...parts.memory.subjects.values()].flatMap(subject =>
    subject.kind === wanted && subject.repository === repository ? [subject.number] : [],
  )
  const lists = [...new Set(numbers)].map(number =>
    parts.upstream.readAll(`/repos/${repository}/${kind}/${number}/comments`),
  )
  const since = request.query.get('since') ?? ''
  const comments = (await Promise.all(lists)).flat().filter(comment => textAt(comment, 'updated_at') >= since)
  return paged(sorted(comments, request.query, 'asc'), request, parts.url)
}

function sorted(all: JsonObject[], query: URLSearchParams, direction: 'asc' | 'desc'): JsonObject[] {
  const field = query.get('sort') === 'updated' ? 'updated_at' : 'created_at'
  const sign = (query.get('direction') ?? direction) === 'asc' ? 1 : -1
  return all.toSorted((a, b) => {
    const byTime = textAt(a, field).localeCompare(textAt(b, field))
    return sign * (byTime || numberAt(a, 'id') - numberAt(b, 'id'))
  })
}

function paged(all: JsonObject[], { query, path }: ApiRequest, url: string): Answer {
  const perPage = Math.min(Number(query.get('per_page') ?? 30), 100)
  const page = Number(query.get('page') ?? 1)
  const next = new URLSearchParams([...query])
  next.set('page', String(page + 1))
  const more = all.length > page * perPage
  const link = `<${url}${path}?${next}>; rel="next"`
  return answer(200, all.slice((page - 1) * perPage, page * perPage), more ? { link } : {})
}

export function listRoutes(parts: Parts): Route[] {
  const route = repoRoute(parts)
  return [route('GET', '/issues', listIssues), route('GET', '/:kind{issues|pulls}/comments', listComments)]
}
