/** Webhooks as GitHub sends them, whole and ordinary, with what differs. Ids and times are the test's to choose. */
import { t0 } from '../core/given.ts'
import type { Sent } from './memory-bot.ts'

/** GitHub's clock, in whole seconds after the start of the test's day. */
const clock = (seconds: number) => new Date(t0 + seconds * 1_000).toISOString().replace('.000', '')

const people = ['maya', 'zoe', 'sam', 'tess', 'eve', 'rita', 'olga', 'mario', 'ghost']
const ids = Object.fromEntries(people.map((login, n) => [login, 11 + n]))
const user = (login: string, id = ids[login] ?? 99): object => ({ login, id, type: 'User' })
const thread = (at: number) => ({
  body: 'It fails.',
  user: user('sam'),
  state: 'open',
  updated_at: clock(at),
})

const base = (by: string, { senderId, ownerId = 5, repoId = 100 }: Said = {}) => ({
  installation: { id: 1 },
  repository: {
    id: repoId,
    name: 'shop',
    owner: { login: 'acme', id: ownerId },
    default_branch: 'main',
  },
  sender: user(by, senderId),
})

const issue = (at: number, differs: object = {}, number = 7): object => ({
  number,
  title: 'Login is flaky',
  html_url: `https://github.com/acme/shop/issues/${number}`,
  ...thread(at),
  ...differs,
})

const pull = (at: number, differs: object = {}): object => ({
  number: 8,
  title: 'Log in',
  html_url: 'https://github.com/acme/shop/pull/8',
  ...thread(at),
  body: '',
  head: { ref: 'maya/login', sha: 'b'.repeat(40), repo: { id: 100 } },
  base: { ref: 'main' },
  ...differs,
})

export interface Said {
  by?: string
  /** Whose words they are; without it, of who sends. */
  author?: string
  text?: string
  id?: number
  /** Seconds after the start of the day. */
  at?: number
  /** Of the issue. */
  number?: number
  /** Of who sends. */
  senderId?: number
  ownerId?: number
  repoId?: number
  /** Of the author with the repository, as GitHub says it. */
  association?: string
  /** For an edit. */
  before?: string
  editedAt?: number
}

/** What differs in a comment, its issue, its sender, or the whole. */
interface Differs {
  comment?: object
  issue?: object
  sender?: object
  event?: object
}

const sent = (event: string, payload: object): Sent => ({ event, body: JSON.stringify(payload) })

const label = { name: 'codex' }

/** Somebody did that to something. */
const did = (by: string, action: string, event: string, payload: object) =>
  sent(event, { ...base(by), action, ...payload })

const wordsOf = ({
  by = 'maya',
  author = by,
  text = '/codex fix it',
  id = 501,
  at = 0,
  ...said
}: Said) => ({
  id,
  body: text,
  user: user(author, author === by ? said.senderId : undefined),
  author_association: said.association,
  created_at: clock(at),
  updated_at: clock(said.editedAt ?? at),
})

const actionOf = ({ before }: Said) =>
  before === undefined
    ? { action: 'created' }
    : { action: 'edited', changes: { body: { from: before } } }

export const comment = (
  said: Said = {},
  { comment, issue: about, sender, event }: Differs = {},
): Sent => {
  const common = base(said.by ?? 'maya', said)
  return sent('issue_comment', {
    ...common,
    ...actionOf(said),
    sender: { ...common.sender, ...sender },
    issue: issue(said.editedAt ?? said.at ?? 0, about, said.number),
    comment: { ...wordsOf(said), ...comment },
    ...event,
  })
}

const numbers = Array.from({ length: 2_000 }, (_, n) => 1_001 + n).values()

/** One that is no other than this. */
export const another = (said: Said = {}, differs?: Differs): Sent =>
  comment({ id: numbers.next().value ?? 0, ...said }, differs)

export const deletes = (by: string, said: Said = {}): Sent =>
  did(by, 'deleted', 'issue_comment', {
    issue: issue(60),
    comment: wordsOf(said),
  })

const inlineOf = (said: Said, reviewId: number) => ({
  ...wordsOf(said),
  path: 'a.ts',
  line: 3,
  diff_hunk: '@@',
  pull_request_review_id: reviewId,
  in_reply_to_id: 400,
})

export const inlineComment = (said: Said = {}, reviewId = 40): Sent =>
  sent('pull_request_review_comment', {
    ...base(said.by ?? 'maya'),
    ...actionOf(said),
    pull_request: pull(said.at ?? 0),
    comment: inlineOf(said, reviewId),
  })

export const deletesInline = (by: string, said: Said = {}, reviewId = 40): Sent =>
  did(by, 'deleted', 'pull_request_review_comment', {
    pull_request: pull(60),
    comment: inlineOf(said, reviewId),
  })

export const review = (said: Said = {}): Sent => {
  const { updated_at, created_at, ...words } = wordsOf({ ...said, id: said.id ?? 40 })
  return sent('pull_request_review', {
    ...base(said.by ?? 'maya'),
    ...(said.before === undefined ? { action: 'submitted' } : actionOf(said)),
    pull_request: pull(said.editedAt ?? said.at ?? 0),
    review: { ...words, node_id: 'PRR_40', submitted_at: created_at, updated_at },
  })
}

/** From a branch of that repository. */
export const reopens = (
  by: string,
  at: number,
  { ref, repo, sha = 'b'.repeat(40) }: { ref: string; repo: number; sha?: string },
  action = 'reopened',
  body = '',
): Sent =>
  did(by, action, 'pull_request', {
    pull_request: pull(at, { body, head: { ref, sha, repo: { id: repo } } }),
  })

export const labels = (by: string, at: number, action = 'labeled', differs?: object): Sent =>
  did(by, action, 'issues', { label, issue: issue(at, differs) })

/** @param repo the one that its branch is in */
export const labelsPull = (repo: { id: number } | null = { id: 100 }): Sent => {
  const head = { ref: 'maya/login', sha: 'b'.repeat(40), repo }
  return did('maya', 'labeled', 'pull_request', { label, pull_request: pull(0, { head }) })
}

export const opensPull = (by: string, body: string): Sent =>
  did(by, 'opened', 'pull_request', {
    pull_request: pull(0, { body, user: user(by) }),
  })

/** A new issue with the label on it: what GitHub tells of the text, and of the label. */
export function opens(by: string, text: string, at: number): { text: Sent; label: Sent } {
  const made = issue(at, { body: text, user: user(by), created_at: clock(at) })
  return {
    text: did(by, 'opened', 'issues', { issue: made }),
    label: did(by, 'labeled', 'issues', {
      label,
      issue: made,
    }),
  }
}

export const closes = (by: string, at: number): Sent =>
  did(by, 'closed', 'issues', {
    issue: issue(at, { state: 'closed', closed_at: clock(at) }),
  })

/** Somebody ticks a box of a comment of the bot, or of another one. */
export const ticks = (
  by: string,
  text: string,
  box: string,
  at = 1_000,
  author = 'my-codex[bot]',
): Sent => {
  const bot = { login: author, id: 5, type: 'Bot' }
  const words = { ...wordsOf({ id: 900, at: 10, editedAt: at }), user: bot }
  return did(by, 'edited', 'issue_comment', {
    changes: { body: { from: text } },
    issue: issue(1_000),
    comment: { ...words, body: text.replace(`- [ ] ${box}`, `- [x] ${box}`) },
  })
}
