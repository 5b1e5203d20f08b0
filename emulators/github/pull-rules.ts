/** GitHub's rules for pull requests. emulate makes missing branches up and forgets what is pushed after opening. */
import { type Api, mergeOnto, tipOf } from './git.ts'
import { type Answer, type ApiRequest, answer, failure, invalid, notFound, paged } from './http.ts'
import { isObject, type JsonObject, listAt, numberAt, textAt } from './json.ts'
import type { At, Layer, Rule } from './layer.ts'
import { type PullMemory, threadKey } from './memory.ts'
import { pullAsIssue } from './repairs.ts'
import { mayAtLeast } from './roles.ts'

const admin = ({ upstream }: Layer) => upstream.asAdmin.bind(upstream)

async function refuseBadPull(layer: Layer, { body }: ApiRequest, { repository, owner = '' }: At) {
  const base = textAt(body, 'base')
  const [headOwner, headRef] = headOf(textAt(body, 'head'), owner)
  if (!base || !headRef || !textAt(body, 'title'))
    return invalid('PullRequest', base ? 'title' : 'base')
  if (!(await tipOf(admin(layer), repository, base))) return invalid('PullRequest', 'base')
  if (headOwner !== owner) return undefined
  const head = await tipOf(admin(layer), repository, headRef)
  if (!head) return invalid('PullRequest', 'head')
  return (
    (await refuseEmpty(layer, repository, base, headRef)) ??
    refuseSecond(layer, repository, base, headRef)
  )
}

function headOf(head: string, owner: string): [string, string] {
  const colon = head.indexOf(':')
  return colon < 0 ? [owner, head] : [head.slice(0, colon), head.slice(colon + 1)]
}

async function refuseEmpty({ upstream }: Layer, repository: string, base: string, head: string) {
  const compared = await upstream.read(`/repos/${repository}/compare/${base}...${head}`)
  if (!compared || numberAt(compared, 'ahead_by') > 0) return undefined
  return invalid('PullRequest', 'base', `No commits between ${base} and ${head}`)
}

async function refuseSecond({ upstream }: Layer, repository: string, base: string, head: string) {
  const label = `${repository.split('/')[0]}:${head}`
  const open = await upstream.readAll(
    `/repos/${repository}/pulls?state=open&base=${base}&head=${label}`,
  )
  return open.length === 0
    ? undefined
    : invalid('PullRequest', 'head', `A pull request already exists for ${label}.`)
}

/** emulate tells nobody when only the base changes. */
async function retarget(layer: Layer, request: ApiRequest, { repository, number }: At) {
  const base = textAt(request.body, 'base')
  const before = base && (await layer.upstream.read(request.path))
  if (!before || textAt(before, 'base', 'ref') === base) return undefined
  if (!(await tipOf(admin(layer), repository, base))) return invalid('PullRequest', 'base')
  if (
    base === textAt(before, 'head', 'ref') &&
    textAt(before, 'head', 'repo', 'full_name') === repository
  ) {
    const message = `There are no new commits between base branch '${base}' and head branch '${base}'`
    return invalid('PullRequest', 'base', message)
  }
  const patched = await layer.forward(request)
  if (patched.status !== 200) return patched
  const changes = {
    base: {
      ref: { from: textAt(before, 'base', 'ref') },
      sha: { from: textAt(before, 'base', 'sha') },
    },
  }
  const pull = structuredClone(patched.body)
  const sender = request.actor.login
  const extra = { number: Number(number), pull_request: pull, changes }
  layer.events.made({ event: 'pull_request', action: 'edited', repository, sender, extra })
  return patched
}

async function merge(layer: Layer, request: ApiRequest, { repository, owner, number }: At) {
  const { actor } = request
  const may = actor.kind !== 'person' || (await mayAtLeast(layer, repository, actor.login, 'write'))
  if (!may) return failure(403, 'Must have write rights to Repository.')
  const path = `/repos/${repository}/pulls/${number}`
  const pull = await layer.upstream.read(path)
  const known = layer.memory.pulls.get(threadKey(repository, Number(number)))
  if (!pull || !known) return notFound()
  if (pull.draft) return failure(405, 'Pull Request is still a draft')
  if (pull.state !== 'open') return failure(405, 'Pull Request is not mergeable')
  const branch = textAt(pull, 'base', 'ref')
  const base = await tipOf(admin(layer), repository, branch)
  const head = await tipOf(admin(layer), known.headRepository, known.headRef)
  if (head) known.headSha = head
  const merged = await layer.forward(request)
  if (merged.status !== 200 || !base || !head || known.headRepository !== repository) return merged
  const message = `Merge pull request #${number} from ${owner}/${known.headRef}`
  const { authorization } = request.headers
  const merger: Api = (method, to, body) =>
    layer.upstream.send({ method, path: to, authorization, body: JSON.stringify(body) })
  known.mergeCommitSha = await mergeOnto(merger, { repository, branch, base, head, message })
  await closeIssues(layer, request, repository, pull)
  return {
    ...merged,
    body: { ...(isObject(merged.body) && merged.body), sha: known.mergeCommitSha },
  }
}

export function closingNumbers(body: string): number[] {
  return [...body.matchAll(/\b(?:close[sd]?|fix(?:e[sd])?|resolve[sd]?):?\s+#(\d+)/gi)].map(match =>
    Number(match[1]),
  )
}

/** Only a merge into the default branch closes what the body says it closes. */
async function closeIssues(
  layer: Layer,
  request: ApiRequest,
  repository: string,
  pull: JsonObject,
) {
  if (textAt(pull, 'base', 'ref') !== textAt(pull, 'base', 'repo', 'default_branch')) return
  for (const number of closingNumbers(textAt(pull, 'body'))) {
    const path = `/repos/${repository}/issues/${number}`
    await layer.forward({ ...request, method: 'PATCH' }, { path, body: { state: 'closed' } })
  }
}

/** Whoever can't be assigned is left out without a word. */
async function assign(layer: Layer, request: ApiRequest, { repository, number }: At) {
  const known = layer.memory.pulls.get(threadKey(repository, Number(number)))
  if (!known) return undefined
  for (const login of listAt(request.body, 'assignees').map(String)) {
    const user = await layer.upstream.read(`/users/${encodeURIComponent(login)}`)
    const may = user && (await mayAtLeast(layer, repository, login, 'read'))
    const others = (known.assignees ?? []).filter(one => one.login !== login)
    if (may) known.assignees = [...others, user]
  }
  const pull = await layer.upstream.read(`/repos/${repository}/pulls/${number}`)
  return pull && answer(201, pullAsIssue(pull, layer.url, 0))
}

function changesOf({ upstream }: Layer, repository: string, pull: JsonObject, known: PullMemory) {
  const base = pull.merged ? textAt(pull, 'base', 'sha') : textAt(pull, 'base', 'ref')
  return known.headRepository === repository
    ? upstream.read(`/repos/${repository}/compare/${base}...${known.headSha}`)
    : filesOfFork({ upstream }, pull, known)
}

/** emulate counts nothing of it. */
export async function sizeOf(layer: Layer, repository: string, pull: JsonObject) {
  const known = layer.memory.pulls.get(threadKey(repository, numberAt(pull, 'number')))
  const changes = known && (await changesOf(layer, repository, pull, known))
  const all = listAt(changes, 'files').filter(isObject)
  const sum = (of: 'additions' | 'deletions') =>
    all.reduce((total, file) => total + numberAt(file, of), 0)
  return { changed_files: all.length, additions: sum('additions'), deletions: sum('deletions') }
}

async function onePull(layer: Layer, request: ApiRequest, { repository }: At) {
  const shown = await layer.forward(request)
  if (shown.status !== 200 || !isObject(shown.body)) return shown
  return { ...shown, body: { ...shown.body, ...(await sizeOf(layer, repository, shown.body)) } }
}

async function files(layer: Layer, request: ApiRequest, { repository, number, list = '' }: At) {
  const { upstream, memory } = layer
  const pull = await upstream.read(`/repos/${repository}/pulls/${number}`)
  const known = memory.pulls.get(threadKey(repository, Number(number)))
  if (!pull || !known) return undefined
  const compared = await changesOf(layer, repository, pull, known)
  const shown = paged(request, listAt(compared, list))
  if (list !== 'files') return answer(200, shown)
  const patched = shown.filter(isObject).map(async file => ({
    ...file,
    patch: await patchOf({ upstream }, repository, { pull, known, path: textAt(file, 'filename') }),
  }))
  return answer(200, await Promise.all(patched))
}

interface PatchedFile {
  pull: JsonObject
  known: PullMemory
  path: string
}

/** emulate has no diffs: one hunk takes all old lines away and adds all new ones. */
async function patchOf(
  { upstream }: Pick<Layer, 'upstream'>,
  repository: string,
  { pull, known, path }: PatchedFile,
): Promise<string> {
  const linesAt = async (of: string, ref: string): Promise<string[]> => {
    const found = await upstream.read(
      `/repos/${of}/contents/${path}?ref=${encodeURIComponent(ref)}`,
    )
    const text = Buffer.from(textAt(found, 'content'), 'base64').toString('utf8')
    return text === '' ? [] : text.replace(/\n$/, '').split('\n')
  }
  const [before, after] = await Promise.all([
    linesAt(repository, textAt(pull, 'base', 'ref')),
    linesAt(known.headRepository, known.headSha),
  ])
  const range = (lines: readonly string[]): string =>
    `${lines.length === 0 ? 0 : 1},${lines.length}`
  return [
    `@@ -${range(before)} +${range(after)} @@`,
    ...before.map(line => `-${line}`),
    ...after.map(line => `+${line}`),
  ].join('\n')
}

/** What GitHub says of a comment on a line that the diff does not show. */
async function refuseUnshown(
  layer: Layer,
  { repository, number }: At,
  comments: readonly JsonObject[],
) {
  const pull = await layer.upstream.read(`/repos/${repository}/pulls/${number}`)
  const known = layer.memory.pulls.get(threadKey(repository, Number(number)))
  if (!pull || !known) return undefined
  for (const comment of comments) {
    const path = textAt(comment, 'path')
    const patch = await patchOf(layer, repository, { pull, known, path })
    const lines = patch.split('\n').filter(line => line.startsWith('+')).length
    const line = numberAt(comment, 'line')
    if (line < 1 || line > lines)
      return failure(422, 'Unprocessable Entity: "Line could not be resolved"')
    if (comment.start_line === undefined) continue
    const start = numberAt(comment, 'start_line')
    if (start < 1) return failure(422, 'Unprocessable Entity: "Start line could not be resolved"')
    if (start >= line)
      return failure(422, 'Unprocessable Entity: "Start line must precede the end line"')
  }
  return undefined
}

/** After the push: emulate never sends `synchronize`. */
async function push(layer: Layer, request: ApiRequest, params: At): Promise<Answer | undefined> {
  const { repository, ref = textAt(request.body, 'branch') } = params
  const branch = decodeURIComponent(ref).replace(/^heads\//, '')
  const before = await tipOf(admin(layer), repository, branch)
  const pushed = await layer.forward(request)
  const after = textAt(pushed.body, 'object', 'sha') || textAt(pushed.body, 'commit', 'sha')
  if (pushed.status >= 300 || !before || before === after) return pushed
  for (const [key, pull] of layer.memory.pulls) {
    if (pull.headRepository !== repository || pull.headRef !== branch) continue
    await synchronize(layer, key, pull, { before, after, sender: request.actor.login })
  }
  return pushed
}

interface Pushed {
  before: string
  after: string
  sender: string
}

async function synchronize(
  { upstream, events }: Layer,
  key: string,
  pull: PullMemory,
  pushed: Pushed,
) {
  const [repository = '', number] = key.split('#')
  const now = await upstream.read(`/repos/${repository}/pulls/${number}`)
  if (now?.state !== 'open') return
  pull.headSha = pushed.after
  const { before, after, sender } = pushed
  const extra = { number: Number(number), before, after, pull_request: now }
  events.made({ event: 'pull_request', action: 'synchronize', repository, sender, extra })
}

/** emulate does not know which pull requests brought a commit. */
async function pullsOfCommit(
  { upstream, memory }: Layer,
  _: ApiRequest,
  { repository, sha = '' }: At,
) {
  const found: JsonObject[] = []
  for (const [key, known] of memory.pulls) {
    const number = key.startsWith(`${repository}#`) ? key.slice(repository.length + 1) : undefined
    const pull = number && (await upstream.read(`/repos/${repository}/pulls/${number}`))
    if (!pull) continue
    const base = textAt(pull, 'base', 'sha')
    const compared = await upstream.read(`/repos/${repository}/compare/${base}...${known.headSha}`)
    const commits = listAt(compared, 'commits').map(commit => textAt(commit, 'sha'))
    if (known.mergeCommitSha === sha || commits.includes(sha)) found.push(pull)
  }
  return answer(200, found)
}

async function deleteRef(layer: Layer, request: ApiRequest, { repository, ref = '' }: At) {
  const deleted = await layer.forward(request)
  if (deleted.status !== 204) return deleted
  const [, kind, short] = /^(heads|tags)\/(.+)$/.exec(decodeURIComponent(ref)) ?? []
  const extra = { ref: short, ref_type: kind === 'tags' ? 'tag' : 'branch', pusher_type: 'user' }
  layer.events.made({ event: 'delete', repository: repository, sender: request.actor.login, extra })
  return deleted
}

export const pullRules: Rule[] = [
  ['POST', '/pulls', refuseBadPull],
  ['GET', '/pulls/:number{[0-9]+}', onePull],
  ['PATCH', '/pulls/:number{[0-9]+}', retarget],
  ['PUT', '/pulls/:number{[0-9]+}/merge', merge],
  ['POST', '/issues/:number{[0-9]+}/assignees', assign],
  ['GET', '/pulls/:number{[0-9]+}/:list{files|commits}', files],
  ['GET', '/commits/:sha/pulls', pullsOfCommit],
  ['PATCH', '/git/refs/:ref{.+}', push],
  ['PUT', '/contents/:path{.+}', push],
  ['DELETE', '/contents/:path{.+}', push],
  ['DELETE', '/git/refs/:ref{.+}', deleteRef],
]

// Reviews and their comments: emulate wants positions, forgets lines and tells only of the review itself.

async function review(layer: Layer, request: ApiRequest, params: At) {
  const { repository, number } = params
  const asked = listAt(request.body, 'comments').filter(isObject)
  // People of stories comment where they like.
  const refused = request.actor.kind === 'bot' && (await refuseUnshown(layer, params, asked))
  if (refused) return refused
  const path = `/repos/${repository}/pulls/${number}`
  const before = await layer.upstream.read(path)
  const { login } = request.actor
  if (textAt(request.body, 'event') === 'APPROVE' && textAt(before, 'user', 'login') === login)
    return failure(422, 'Unprocessable Entity: "Can not approve your own pull request"')
  const comments = asked.map(comment => ({
    ...comment,
    position: comment.position ?? comment.line ?? 1,
  }))
  const known = layer.memory.pulls.get(threadKey(repository, Number(number)))
  const made = await layer.forward(request, {
    body: { commit_id: known?.headSha, ...(isObject(request.body) && request.body), comments },
  })
  // Whoever reviews is not asked any more.
  if (
    made.status < 300 &&
    listAt(before, 'requested_reviewers').some(one => textAt(one, 'login') === login)
  )
    await layer.upstream.asAdmin('DELETE', `${path}/requested_reviewers`, { reviewers: [login] })
  if (made.status >= 300 || asked.length === 0) return made
  const stored = await layer.upstream.readAll(
    `${path}/reviews/${numberAt(made.body, 'id')}/comments`,
  )
  stored.forEach((comment, index) => {
    rememberLine(layer, numberAt(comment, 'id'), asked[index] ?? {})
  })
  const pull = await layer.upstream.read(path)
  for (const comment of textAt(made.body, 'state') === 'PENDING' ? [] : stored) {
    const extra = { comment, pull_request: structuredClone(pull) }
    const sender = request.actor.login
    layer.events.made({
      event: 'pull_request_review_comment',
      action: 'created',
      repository,
      sender,
      extra,
    })
  }
  return made
}

function rememberLine(
  { memory }: Layer,
  id: number,
  { line, side, start_line: start }: JsonObject,
): void {
  if (typeof line === 'number')
    memory.reviewLines.set(id, {
      line,
      side: typeof side === 'string' ? side : 'RIGHT',
      startLine: typeof start === 'number' ? start : undefined,
    })
}

/** GitHub's field is `in_reply_to`, emulate's is `in_reply_to_id`; a reply sits where its parent sits. */
async function comment(layer: Layer, request: ApiRequest, params: At) {
  const parentId = numberAt(request.body, 'in_reply_to')
  if (!parentId) return undefined
  return reply(layer, request, { ...params, parent: String(parentId) })
}

async function reply(
  layer: Layer,
  request: ApiRequest,
  { repository, number, parent: parentId }: At,
) {
  const pulls = `/repos/${repository}/pulls`
  const parent = await layer.upstream.read(`${pulls}/comments/${parentId}`)
  if (!parent) return notFound()
  const { path, position, side } = parent
  const at = layer.memory.reviewLines.get(Number(parentId)) ?? { line: parent.line, side }
  const body = {
    body: textAt(request.body, 'body'),
    path,
    position,
    ...at,
    in_reply_to_id: Number(parentId),
  }
  return layer.forward(
    { ...request, method: 'POST' },
    { path: `${pulls}/${number}/comments`, body },
  )
}

export const reviewRules: Rule[] = [
  ['POST', '/pulls/:number{[0-9]+}/reviews', review],
  ['POST', '/pulls/:number{[0-9]+}/comments', comment],
  ['POST', '/pulls/:number{[0-9]+}/comments/:parent{[0-9]+}/replies', reply],
]

// A repository and its forks share their commits at GitHub: the head of a fork's pull request is read in both. emulate keeps them apart.

/** The pull request from a fork whose head this is. */
export const fromFork = (
  { memory }: Layer,
  repository: string,
  sha: string,
): PullMemory | undefined =>
  [...memory.pulls].find(
    ([key, pull]) =>
      key.startsWith(`${repository}#`) &&
      pull.headSha === sha &&
      pull.headRepository !== repository,
  )?.[1]

/** What it changes, against the branch of that name in the fork: the commits they share are others in emulate. */
async function filesOfFork(
  { upstream }: Pick<Layer, 'upstream'>,
  pull: JsonObject,
  { headRepository, headSha }: PullMemory,
): Promise<JsonObject | undefined> {
  return upstream.read(
    `/repos/${headRepository}/compare/${textAt(pull, 'base', 'ref')}...${headSha}`,
  )
}

export const forkRules: Rule[] = [['GET', '/contents/:path{.+}', contentsOfFork]]

async function contentsOfFork(layer: Layer, { query }: ApiRequest, { repository, path }: At) {
  const sha = query.get('ref') ?? ''
  const pull = fromFork(layer, repository, sha)
  const file =
    pull && (await layer.upstream.read(`/repos/${pull.headRepository}/contents/${path}?ref=${sha}`))
  return file && answer(200, file)
}
