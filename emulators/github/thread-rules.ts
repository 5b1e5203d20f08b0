/** GitHub's rules for issues and comments, checked before emulate, which has none of them, is asked. */
import { type Answer, type ApiRequest, answer, failure, invalid, notFound, paged } from './http.ts'
import { isObject, type JsonObject, listAt, numberAt, textAt } from './json.ts'
import type { At, Layer, Rule } from './layer.ts'
import { threadKey } from './memory.ts'
import { isReaction, type Reaction } from './reactions.ts'
import { isPull, labelNames, pullAsIssue } from './repairs.ts'
import { mayAtLeast, mayWrite } from './roles.ts'

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
  return failure(422, 'Validation Failed', [
    { resource, code: 'unprocessable', field: 'data', message },
  ])
}

async function refuseOnLocked(layer: Layer, { actor }: ApiRequest, { repository, number }: At) {
  const issue = await layer.upstream.read(`/repos/${repository}/issues/${number}`)
  const locked =
    issue?.locked === true || layer.memory.pulls.get(threadKey(repository, Number(number)))?.locked
  if (!locked || actor.kind === 'bot') return undefined
  if (await mayAtLeast(layer, repository, actor.login, 'write')) return undefined
  return failure(403, 'Unable to create comment because issue is locked.')
}

/** Its author and those who may write. */
async function refuseStranger(layer: Layer, request: ApiRequest, { repository }: At) {
  if (request.actor.kind !== 'person') return undefined
  const subject = await layer.upstream.read(request.path)
  if (!subject || textAt(subject, 'user', 'login') === request.actor.login) return undefined
  const may = await mayAtLeast(layer, repository, request.actor.login, 'write')
  return may ? undefined : failure(403, 'Must have write rights to Repository.')
}

/** Webhooks of edits say what was there before. */
async function keepBefore({ upstream, memory }: Layer, request: ApiRequest): Promise<undefined> {
  const before = await upstream.read(request.path)
  if (!before) return
  const nodeId = textAt(before, 'node_id')
  memory.edited.add(nodeId)
  const fields = ['title', 'body'].filter(
    field => field in before && isObject(request.body) && field in request.body,
  )
  if (willTell(before, request.body, fields))
    memory.keepBefore(
      nodeId,
      Object.fromEntries(fields.map(field => [field, textAt(before, field)])),
    )
}

/** Whether emulate sends `edited`: for a comment always, for a pull request unless its state changes too. */
function willTell(before: JsonObject, after: unknown, fields: string[]): boolean {
  if (!('title' in before)) return fields.length > 0
  const state = textAt(after, 'state')
  if (isPull(before)) return fields.length > 0 && (state === '' || state === before.state)
  return fields.some(field => textAt(after, field) !== textAt(before, field))
}

async function issueOfPull(
  { upstream, url, memory }: Layer,
  _request: ApiRequest,
  { repository, number }: At,
) {
  if (!memory.pulls.has(threadKey(repository, Number(number)))) return undefined
  const pull = await upstream.read(`/repos/${repository}/pulls/${number}`)
  if (!pull) return notFound()
  const comments = await upstream.readAll(`/repos/${repository}/issues/${number}/comments`)
  return answer(200, pullAsIssue(pull, url, comments.length))
}

async function patchIssueOfPull(layer: Layer, request: ApiRequest, params: At) {
  const { repository, number } = params
  if (!layer.memory.pulls.has(threadKey(repository, Number(number)))) return undefined
  const pull = `/repos/${repository}/pulls/${number}`
  const labels = listAt(request.body, 'labels')
  if (labels.length > 0) {
    const put = { ...request, method: 'PUT' }
    await layer.forward(put, {
      path: `/repos/${repository}/issues/${number}/labels`,
      body: { labels },
    })
  }
  const patched = await layer.forward(request, { path: pull })
  return patched.status === 200 ? issueOfPull(layer, request, params) : patched
}

async function lockPull({ memory }: Layer, { method }: ApiRequest, { repository, number }: At) {
  const pull = memory.pulls.get(threadKey(repository, Number(number)))
  if (!pull) return undefined
  pull.locked = method === 'PUT'
  return answer(204)
}

async function blockersOf({ upstream, memory }: Layer, _: ApiRequest, { repository, number }: At) {
  const numbers = memory.blockers.get(threadKey(repository, Number(number))) ?? []
  const all = await Promise.all(
    numbers.map(other => upstream.read(`/repos/${repository}/issues/${other}`)),
  )
  return answer(
    200,
    all.filter(other => other !== undefined),
  )
}

const editable = [
  '/issues/:number{[0-9]+}',
  '/pulls/:number{[0-9]+}',
  '/issues/comments/:id{[0-9]+}',
  '/pulls/comments/:id{[0-9]+}',
]

export const threadRules: Rule[] = [
  ...Object.entries(resources).flatMap(([rest, resource]) =>
    ['POST', 'PATCH'].map(
      (method): Rule => [method, rest, (_, request) => refuseLongBody(request, resource)],
    ),
  ),
  ['POST', '/issues/:number{[0-9]+}/comments', refuseOnLocked],
  ...editable.flatMap((rest): Rule[] => [
    ['PATCH', rest, refuseStranger],
    ['DELETE', rest, refuseStranger],
    ['PATCH', rest, keepBefore],
  ]),
  ['GET', '/issues/:number{[0-9]+}', issueOfPull],
  ['GET', '/issues/:number{[0-9]+}/dependencies/blocked_by', blockersOf],
  ['PATCH', '/issues/:number{[0-9]+}', patchIssueOfPull],
  ['PUT', '/issues/:number{[0-9]+}/lock', lockPull],
  ['DELETE', '/issues/:number{[0-9]+}/lock', lockPull],
]

// Labels: who may set them, and the events that emulate forgets.

async function mayLabel(layer: Layer, { actor }: ApiRequest, repository: string): Promise<boolean> {
  return actor.kind !== 'person' || mayAtLeast(layer, repository, actor.login, 'triage')
}

async function refuse(layer: Layer, request: ApiRequest, { repository }: At) {
  const may = await mayLabel(layer, request, repository)
  return may ? undefined : failure(403, 'Must have triage rights to Repository.')
}

/** Labels given with a new issue are dropped without a word when its author may not set any, and told one by one. */
async function openIssue(layer: Layer, request: ApiRequest, { repository }: At) {
  if (listAt(request.body, 'labels').length === 0) return undefined
  const may = await mayLabel(layer, request, repository)
  const asked = isObject(request.body) ? request.body : {}
  const made = await layer.forward(request, {
    body: may ? asked : { ...asked, labels: [], assignees: [] },
  })
  if (made.status === 201 && isObject(made.body))
    await tell(
      layer,
      request,
      { repository, number: numberAt(made.body, 'number') },
      labelNames(made.body),
    )
  return made
}

interface Change {
  repository: string
  number: number
}

async function tell(
  layer: Layer,
  { actor }: ApiRequest,
  { repository, number }: Change,
  names: string[],
) {
  const isPull = layer.memory.pulls.has(threadKey(repository, number))
  for (const name of names) {
    const thread = await layer.upstream.read(
      `/repos/${repository}/${isPull ? 'pulls' : 'issues'}/${number}`,
    )
    const extra = { [isPull ? 'pull_request' : 'issue']: thread, label: { name } }
    const event = isPull ? 'pull_request' : 'issues'
    layer.events.made({ event, action: 'labeled', repository, sender: actor.login, extra })
  }
}

export const labelRules: Rule[] = [
  ...['POST', 'PUT', 'DELETE'].map(
    (method): Rule => [method, '/issues/:number{[0-9]+}/labels/:label?', refuse],
  ),
  ['POST', '/issues', openIssue],
]

// Lists across a repository. GitHub counts pull requests among the issues and emulate does not; and emulate's
// own routes to all comments of a repository are hidden behind those to one issue and one pull request.

async function listComments(layer: Layer, request: ApiRequest, { repository, kind }: At) {
  const wanted = kind === 'issues' ? 'comment' : 'review-comment'
  const numbers = [...layer.memory.subjects.values()].flatMap(subject =>
    subject.kind === wanted && subject.repository === repository ? [subject.number] : [],
  )
  const lists = [...new Set(numbers)].map(number =>
    layer.upstream.readAll(`/repos/${repository}/${kind}/${number}/comments`),
  )
  const since = request.query.get('since') ?? ''
  const comments = (await Promise.all(lists))
    .flat()
    .filter(comment => textAt(comment, 'updated_at') >= since)
  return listed(sorted(comments, request.query), request, layer.url)
}

function sorted(all: JsonObject[], query: URLSearchParams): JsonObject[] {
  const field = query.get('sort') === 'updated' ? 'updated_at' : 'created_at'
  const sign = query.get('direction') === 'desc' ? -1 : 1
  return all.toSorted((a, b) => {
    const byTime = textAt(a, field).localeCompare(textAt(b, field))
    return sign * (byTime || numberAt(a, 'id') - numberAt(b, 'id'))
  })
}

function listed(all: JsonObject[], request: ApiRequest, url: string): Answer {
  const shown = paged(request, all)
  const next = new URLSearchParams([...request.query])
  next.set('page', String(Number(request.query.get('page') ?? 1) + 1))
  const link = `<${url}${request.path}?${next}>; rel="next"`
  const isLast = shown.length === 0 || shown.at(-1) === all.at(-1)
  return answer(200, shown, isLast ? {} : { link })
}

export const listRules: Rule[] = [['GET', '/:kind{issues|pulls}/comments', listComments]]

// Reactions.

const shown = (reaction: Reaction): JsonObject => ({
  id: reaction.id,
  node_id: `REA_${reaction.id}`,
  user: reaction.user,
  content: reaction.content,
  created_at: reaction.createdAt,
})

/** The subject's node id when it exists: reactions hang on it, for REST and GraphQL alike. */
async function reactedTo(
  { upstream }: Layer,
  { repository, kind, id }: At,
): Promise<string | undefined> {
  const base = `/repos/${repository}`
  const looks =
    kind === 'issues' ? [`${base}/issues/${id}`, `${base}/pulls/${id}`] : [`${base}/${kind}/${id}`]
  for (const path of looks) {
    const found = await upstream.read(path)
    if (found) return textAt(found, 'node_id')
  }
  return undefined
}

function refuseReaction({ actor }: ApiRequest): Answer | undefined {
  if (actor.kind === 'anonymous' || actor.kind === 'app')
    return failure(401, 'Requires authentication')
  if (actor.kind === 'bot' && !mayWrite(actor, 'issues', 'pull_requests'))
    return failure(403, 'Resource not accessible by integration')
  return undefined
}

async function react(layer: Layer, request: ApiRequest, subject: string): Promise<Answer> {
  const content = textAt(request.body, 'content')
  if (!isReaction(content)) return invalid('Reaction', 'content')
  const user = await layer.upstream.read(`/users/${encodeURIComponent(request.actor.login)}`)
  const { reaction, isNew } = layer.reactions.add(subject, content, user ?? {})
  return { ...answer(isNew ? 201 : 200, shown(reaction)), unchanged: !isNew }
}

const reactedPath = '/:kind{issues|issues/comments|pulls/comments}/:id{[0-9]+}/reactions'

/** Taken back by GraphQL alone. */
export const reactionRules: Rule[] = [
  [
    'GET',
    reactedPath,
    async (layer, _, params) => {
      const found = await reactedTo(layer, params)
      return found ? answer(200, layer.reactions.of(found).map(shown)) : notFound()
    },
  ],
  [
    'POST',
    reactedPath,
    async (layer, request, params) => {
      const found = await reactedTo(layer, params)
      return refuseReaction(request) ?? (found ? react(layer, request, found) : notFound())
    },
  ],
]
