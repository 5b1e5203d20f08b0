/** The mutations an App uses. What REST can do too goes through the layer's REST routes, so that its rules hold here. */
import { tipOf } from './git.ts'
import {
  type Context,
  contentOf,
  type Given,
  linkedBranch,
  nodeOf,
  pullNode,
  QueryError,
  type Resolved,
  type Source,
  shownReaction,
  subjectNode,
} from './graphql-source.ts'
import type { Answer, ApiRequest } from './http.ts'
import { isObject, type JsonObject, listAt, numberAt, objectAt, textAt, valueAt } from './json.ts'
import type { Layer } from './layer.ts'
import { type Subject, threadKey } from './memory.ts'
import { mayWrite } from './roles.ts'

interface Call {
  layer: Layer
  input: JsonObject
  request: ApiRequest
}

interface Done {
  payload: Source
  /** Everything was like that before. */
  unchanged?: boolean
}

interface Mutation {
  /** An App needs one of these to write. */
  needs: readonly string[]
  run(call: Call): Promise<Done> | Done
}

const threads = ['issues', 'pull_requests'] as const

const mutations: Readonly<Record<string, Mutation>> = {
  addAssigneesToAssignable: { needs: threads, run: addAssignees },
  addLabelsToLabelable: { needs: threads, run: addLabels },
  addReaction: { needs: threads, run: addReaction },
  convertPullRequestToDraft: { needs: ['pull_requests'], run: call => setDraft(call, true) },
  createLinkedBranch: { needs: ['contents'], run: createLinkedBranch },
  markPullRequestReadyForReview: { needs: ['pull_requests'], run: call => setDraft(call, false) },
  minimizeComment: { needs: threads, run: minimize },
  removeReaction: { needs: threads, run: removeReaction },
  requestReviews: { needs: ['pull_requests'], run: requestReviews },
  resolveReviewThread: { needs: ['pull_requests'], run: resolveThread },
  updateIssueComment: { needs: threads, run: updateComment },
  updatePullRequest: { needs: ['pull_requests'], run: updatePullRequest },
  updateRefs: { needs: ['contents'], run: updateRefs },
}

export function mutation(layer: Layer, request: ApiRequest): Source {
  const bound = Object.entries(mutations).map(([name, { needs, run }]) => [
    name,
    async (given: Given, context: Context): Promise<Resolved> => {
      if (request.actor.kind === 'bot' && !mayWrite(request.actor, ...needs)) throw forbidden()
      const input = objectAt(given, 'input')
      const { payload, unchanged } = await run({ layer, input, request })
      if (!unchanged) context.changed = true
      return { clientMutationId: textAt(input, 'clientMutationId') || null, ...payload }
    },
  ])
  return { __typename: 'Mutation', ...Object.fromEntries(bound) }
}

const forbidden = (): QueryError =>
  new QueryError('FORBIDDEN', 'Resource not accessible by integration')

type SubjectOf<K extends Subject['kind']> = Extract<Subject, { kind: K }>

/** @throws QueryError unless the id is of a thing of one of these kinds that is still there */
function subjectOf<K extends Subject['kind']>(
  { layer, input }: Call,
  field: string,
  ...kinds: K[]
): SubjectOf<K> {
  const id = textAt(input, field)
  const subject = layer.memory.subjects.get(id)
  if (subject && layer.memory.repository(subject.repository)?.archived)
    throw new QueryError('UNPROCESSABLE', 'Repository was archived so is read-only.')
  if (subject && (kinds.length === 0 || isOneOf(subject, kinds))) return subject as SubjectOf<K>
  throw new QueryError('NOT_FOUND', `Could not resolve to a node with the global id of '${id}'`)
}

const isOneOf = (subject: Subject, kinds: readonly Subject['kind'][]): boolean =>
  kinds.some(kind => kind === subject.kind)

/** What REST answered, or its refusal as GraphQL words it. */
async function asked(
  { layer, request }: Call,
  method: string,
  path: string,
  body: unknown,
): Promise<Answer> {
  const given = await layer.serve(request, { method, path, body })
  if (given.status < 300) return given
  if (given.status === 403) throw forbidden()
  const [first] = listAt(given.body, 'errors')
  const message = textAt(first, 'message') || textAt(given.body, 'message')
  throw new QueryError(given.status === 404 ? 'NOT_FOUND' : 'UNPROCESSABLE', message)
}

async function addReaction(call: Call): Promise<Done> {
  const { layer, input, request } = call
  subjectOf(call, 'subjectId')
  const id = textAt(input, 'subjectId')
  const user = await layer.upstream.read(`/users/${encodeURIComponent(request.actor.login)}`)
  const { reaction, isNew } = layer.reactions.add(id, contentOf(input.content), user ?? {})
  return {
    payload: { reaction: shownReaction(reaction), subject: nodeOf(layer, id) },
    unchanged: !isNew,
  }
}

function removeReaction(call: Call): Done {
  const { layer, input, request } = call
  subjectOf(call, 'subjectId')
  const id = textAt(input, 'subjectId')
  const content = contentOf(input.content)
  const gone = layer.reactions.remove(
    id,
    one => one.login === request.actor.login && one.content === content,
  )
  return {
    payload: { reaction: gone ? shownReaction(gone) : null, subject: nodeOf(layer, id) },
    unchanged: !gone,
  }
}

/** Known by its first comment. A thread that is resolved stays so, and tells nobody again. */
async function resolveThread({ layer, input, request }: Call): Promise<Done> {
  const { upstream, memory, events } = layer
  const id = textAt(input, 'threadId')
  const comment = Number(/^PRRT_(\d+)$/.exec(id)?.[1])
  const found = [...memory.subjects.values()].find(
    one => one.kind === 'review-comment' && one.id === comment,
  )
  const shown =
    found && (await upstream.read(`/repos/${found.repository}/pulls/comments/${comment}`))
  if (found?.kind !== 'review-comment' || !shown || numberAt(shown, 'in_reply_to_id'))
    throw new QueryError('NOT_FOUND', `Could not resolve to a node with the global id of '${id}'`)
  const { repository, number } = found
  if (memory.repository(repository)?.archived)
    throw new QueryError('UNPROCESSABLE', 'Repository was archived so is read-only.')
  const unchanged = memory.resolved.has(comment)
  memory.resolved.add(comment)
  const extra = {
    pull_request: await upstream.read(`/repos/${repository}/pulls/${number}`),
    thread: { node_id: id },
  }
  const sender = request.actor.login
  if (!unchanged)
    events.made({
      event: 'pull_request_review_thread',
      action: 'resolved',
      repository,
      sender,
      extra,
    })
  return {
    payload: { thread: { __typename: 'PullRequestReviewThread', id, isResolved: true } },
    unchanged,
  }
}

function minimize(call: Call): Done {
  const { minimized } = call.layer.memory
  subjectOf(call, 'subjectId', 'comment', 'review-comment', 'review')
  const id = textAt(call.input, 'subjectId')
  const unchanged = minimized.has(id)
  minimized.add(id)
  return { payload: { minimizedComment: nodeOf(call.layer, id) }, unchanged }
}

async function updateComment(call: Call): Promise<Done> {
  const { repository, id } = subjectOf(call, 'id', 'comment')
  const body = textAt(call.input, 'body')
  await asked(call, 'PATCH', `/repos/${repository}/issues/comments/${id}`, { body })
  return { payload: { issueComment: nodeOf(call.layer, textAt(call.input, 'id')) } }
}

/** Creates the branch; when there is one of that name already, the answer is null and no error. */
async function createLinkedBranch(call: Call): Promise<Done> {
  const { layer, input, request } = call
  const { repository, number } = subjectOf(call, 'issueId', 'issue')
  const name = textAt(input, 'name').replace(/^refs\/heads\//, '') || `${number}-issue`
  const path = `/repos/${repository}/git/refs`
  const body = { ref: `refs/heads/${name}`, sha: textAt(input, 'oid') }
  const made = await layer.serve(request, { method: 'POST', path, body })
  if (textAt(made.body, 'message') === 'Reference already exists')
    return { payload: { linkedBranch: null, issue: null }, unchanged: true }
  if (made.status === 403) throw forbidden()
  if (made.status !== 201) throw new QueryError('UNPROCESSABLE', textAt(made.body, 'message'))
  const key = threadKey(repository, number)
  layer.memory.linkedBranches.set(key, [...(layer.memory.linkedBranches.get(key) ?? []), name])
  const issue = await subjectNode(layer, textAt(input, 'issueId'))
  return { payload: { linkedBranch: await linkedBranch(layer, repository, name), issue } }
}

async function updatePullRequest(call: Call): Promise<Done> {
  const { layer, input } = call
  const { repository, number } = subjectOf(call, 'pullRequestId', 'pull')
  const state = textAt(input, 'state')
  const wanted = {
    title: input.title,
    body: input.body,
    base: input.baseRefName,
    state: state.toLowerCase(),
  }
  const changes = Object.fromEntries(
    Object.entries(wanted).filter(([, value]) => typeof value === 'string' && value),
  )
  if (typeof input.body === 'string') changes.body = input.body
  await asked(call, 'PATCH', `/repos/${repository}/pulls/${number}`, changes)
  return { payload: { pullRequest: await pullNode(layer, repository, number), actor: null } }
}

/** REST can not do this, and emulate tells nobody of it. */
async function setDraft(call: Call, draft: boolean): Promise<Done> {
  const { layer, request } = call
  const { repository, number } = subjectOf(call, 'pullRequestId', 'pull')
  const path = `/repos/${repository}/pulls/${number}`
  const before = await layer.upstream.read(path)
  const unchanged = before?.draft === draft
  if (!unchanged) {
    await asked(call, 'PATCH', path, { draft })
    const extra = { number, pull_request: await layer.upstream.read(path) }
    const action = draft ? 'converted_to_draft' : 'ready_for_review'
    layer.events.made({
      event: 'pull_request',
      action,
      repository,
      sender: request.actor.login,
      extra,
    })
  }
  return { payload: { pullRequest: await pullNode(layer, repository, number) }, unchanged }
}

async function addAssignees(call: Call): Promise<Done> {
  const { repository, number } = subjectOf(call, 'assignableId', 'issue', 'pull')
  const assignees = logins(call, 'assigneeIds')
  await asked(call, 'POST', `/repos/${repository}/issues/${number}/assignees`, { assignees })
  return {
    payload: { assignable: await subjectNode(call.layer, textAt(call.input, 'assignableId')) },
  }
}

async function addLabels(call: Call): Promise<Done> {
  const { repository, number } = subjectOf(call, 'labelableId', 'issue', 'pull')
  const labels = listAt(call.input, 'labelIds').map(id => {
    const name = call.layer.memory.labels.get(String(id))
    if (name !== undefined) return name
    throw new QueryError('NOT_FOUND', `Could not resolve to a node with the global id of '${id}'`)
  })
  await asked(call, 'POST', `/repos/${repository}/issues/${number}/labels`, { labels })
  return {
    payload: { labelable: await subjectNode(call.layer, textAt(call.input, 'labelableId')) },
  }
}

async function requestReviews(call: Call): Promise<Done> {
  const { repository, number } = subjectOf(call, 'pullRequestId', 'pull')
  const reviewers = logins(call, 'userIds')
  await asked(call, 'POST', `/repos/${repository}/pulls/${number}/requested_reviewers`, {
    reviewers,
  })
  return { payload: { pullRequest: await pullNode(call.layer, repository, number), actor: null } }
}

function logins({ layer, input }: Call, field: string): string[] {
  return listAt(input, field).map(id => {
    const login = layer.memory.users.get(String(id))
    if (login) return login
    throw new QueryError('NOT_FOUND', `Could not resolve to a node with the global id of '${id}'`)
  })
}

const zeros = '0'.repeat(40)

interface RefUpdate {
  branch: string
  before: string | undefined
  after: string
  now: string | undefined
}

/** All of them or none. An oid of zeros before means that it must not be there, and after that it goes. */
async function updateRefs(call: Call): Promise<Done> {
  const { repository } = subjectOf(call, 'repositoryId', 'repository')
  const asAdmin = call.layer.upstream.asAdmin.bind(call.layer.upstream)
  const updates = await Promise.all(
    listAt(call.input, 'refUpdates')
      .filter(isObject)
      .map(async update => readUpdate(asAdmin, repository, update)),
  )
  for (const update of updates) refuseMoved(update)
  for (const update of updates) await carryOut(call, repository, update)
  return { payload: {}, unchanged: updates.every(({ now, after }) => now === after) }
}

async function readUpdate(
  api: Parameters<typeof tipOf>[0],
  repository: string,
  update: JsonObject,
): Promise<RefUpdate> {
  const name = textAt(update, 'name')
  const branch = /^refs\/heads\/(.+)$/.exec(name)?.[1]
  if (branch === undefined)
    throw new QueryError('UNPROCESSABLE', `'${name}' is not a valid ref name.`)
  const before = valueAt(update, 'beforeOid')
  return {
    branch,
    before: typeof before === 'string' ? before : undefined,
    after: textAt(update, 'afterOid'),
    now: await tipOf(api, repository, branch),
  }
}

function refuseMoved({ branch, before, after, now }: RefUpdate): void {
  const wasThere = before === undefined || before === (now ?? zeros)
  if (wasThere && (after !== zeros || now !== undefined)) return
  const found = now ?? 'nothing'
  throw new QueryError(
    'UNPROCESSABLE',
    `Reference cannot be updated: refs/heads/${branch} is at ${found}`,
  )
}

async function carryOut(
  call: Call,
  repository: string,
  { branch, after, now }: RefUpdate,
): Promise<void> {
  const refs = `/repos/${repository}/git/refs`
  if (after === zeros) await asked(call, 'DELETE', `${refs}/heads/${branch}`, undefined)
  else if (now === undefined)
    await asked(call, 'POST', refs, { ref: `refs/heads/${branch}`, sha: after })
  else if (now !== after)
    await asked(call, 'PATCH', `${refs}/heads/${branch}`, { sha: after, force: true })
}
