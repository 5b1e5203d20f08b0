import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, test, vi } from 'vitest'
import { hashOf } from '../../src/core/model/thread.ts'
import { Trigger } from '../../src/core/model/trigger.ts'
import { usualTrigger } from '../../src/core/settings/deployment-settings.ts'
import type { TriggerOf } from '../../src/github/webhooks/event.ts'
import {
  type EventName,
  events,
  normalise,
  readEvents,
} from '../../src/github/webhooks/normalise.ts'
import * as sent from '../security/payloads.ts'
import { issueThread, maya, minute, t0 } from './given.ts'

type Payload = Record<string, unknown>

const at = t0
const later = (minutes: number) => new Date(at + minutes * minute).toISOString()

const user = (login: string, type = 'User') => ({ login, id: 11, type })
const partsOf = ({ body }: { body: string | Buffer }) => JSON.parse(String(body))
const { installation, repository, sender, issue, comment: words } = partsOf(sent.comment())
const { pull_request: pull, comment: inline } = partsOf(sent.inlineComment())
const review = { ...partsOf(sent.review()).review, updated_at: undefined }
const { head } = pull
const base = { installation, repository, sender }
const issueOfPull = { ...issue, number: 8, html_url: pull.html_url, pull_request: { url: 'x' } }
const sam = issue.user
const label = { name: 'codex' }
const byBot: Payload = { sender: user('x[bot]', 'Bot') }
const byZoe: Payload = { sender: { ...user('zoe'), id: 12 } }

const ours: TriggerOf = () => usualTrigger

/** A payload that is whole, with what differs. */
const payloadOf =
  (usual: Payload) =>
  (given: Payload = {}): Payload => ({ ...base, ...usual, ...given })
const comments = payloadOf({ action: 'created', issue, comment: words })
const inlines = payloadOf({ action: 'created', pull_request: pull, comment: inline })
const reviews = payloadOf({ action: 'submitted', pull_request: pull, review })
const issues = payloadOf({ action: 'labeled', issue, label })
const pulls = payloadOf({ action: 'labeled', pull_request: pull, label })
const commented = (differs: Payload, rest: Payload = {}) =>
  comments({ comment: { ...words, ...differs }, ...rest })
const onLine = (differs: Payload) => inlines({ comment: { ...inline, ...differs } })
const reviewed = (differs: Payload) => reviews({ review: { ...review, ...differs } })
const labelled = (name: string) => issues({ label: { name } })
const pullIs = (action: string, differs: Payload) =>
  pulls({ action, pull_request: { ...pull, ...differs } })
const issueIs = (action: string, differs: Payload) =>
  issues({ action, issue: { ...issue, ...differs } })
const edits = (from: unknown = 'x'): Payload => ({ action: 'edited', changes: { body: { from } } })
const edited = (
  before: string | null | undefined,
  minutes = 1,
  body = '/codex fix it',
): Payload => ({
  ...edits(before),
  comment: { ...words, body, updated_at: later(minutes) },
})

/** A delivery as it is read by the App of these tests. */
const readAs = (event: string, payload: unknown, as = ours) =>
  normalise({ id: 'd-1', event, payload }, as)

/** The id of a trigger, or why there is none. */
function read(event: string, payload: unknown): string {
  const result = readAs(event, payload)
  return result.kind === 'ignored' ? `- ${result.why}` : result.trigger.id
}

/** All that comes of a delivery. */
function newsOf(event: string, payload: unknown) {
  const result = readAs(event, payload)
  return result.kind === 'trigger' ? [result.trigger, ...(result.also ?? [])] : []
}

/** What GitHub sends such a payload as. */
function eventOf(payload: Payload): EventName {
  if ('review' in payload) return 'pull_request_review'
  if ('comment' in payload)
    return 'pull_request' in payload ? 'pull_request_review_comment' : 'issue_comment'
  return 'pull_request' in payload ? 'pull_request' : 'issues'
}

type Table = [what: string, expected: string, payload: Payload][]

const holds = (table: Table): void => {
  test.each(table)('%s', (_, expected, payload) =>
    expect(read(eventOf(payload), payload)).toBe(expected),
  )
}

const inList = (author_association: string | undefined) =>
  commented({ body: '- /codex fix it', author_association })

describe('comments', () => {
  holds([
    ['on an issue', 'comment-501', comments()],
    ['on a pull request', 'comment-501', comments({ issue: issueOfPull })],
    ['without a command', '- no command', commented({ body: 'What about /codex?' })],
    ['with a command in a list, by an OWNER', 'comment-501', inList('OWNER')],
    [
      'with a command in a list, by a CONTRIBUTOR, who costs nothing',
      '- no command',
      inList('CONTRIBUTOR'),
    ],
    [
      'with a command in a list that an edit brought',
      '- no command',
      comments({
        ...edited('Hello', 1, '- /codex fix it'),
        comment: {
          ...words,
          body: '- /codex fix it',
          author_association: 'OWNER',
          updated_at: later(1),
        },
      }),
    ],
    ['without words', '- no command', commented({ body: null })],
    ['by a bot', '- by a bot', comments({ sender: user('dependabot[bot]', 'Bot') })],
    ['by an App, in its own name', '- by a bot', commented({ user: user('x[bot]', 'Bot') }, byBot)],
    [
      'by somebody whose type is not said',
      'comment-501',
      comments({ sender: { login: 'maya', id: 11 } }),
    ],
    ['that went away', '- event not used', comments({ action: 'nothing-we-know' })],
    [
      'of a hook that is not an App',
      '- not installed as an App',
      comments({ installation: undefined }),
    ],
    ['of an author who is gone', '- written by somebody else', commented({ user: null })],
  ])
})

describe('who sends is who wrote, or the words are nobody’s command', () => {
  const asking = { ...issue, user: sam, body: '/codex fix it' }
  const own = { ...asking, user: user('maya') }
  const moved = { changes: { old_issue: { number: 3 }, old_repository: { id: 99 } } }
  holds([
    ['an issue', 'text-100-7', issues({ action: 'opened', issue: own })],
    [
      'an issue of another',
      '- written by somebody else',
      issues({ action: 'opened', issue: asking }),
    ],
    [
      'a transferred one of another',
      '- transferred',
      issues({ action: 'opened', issue: asking, ...moved }),
    ],
    ['a comment', '- written by somebody else', commented({ user: sam })],
    [
      'a pull request',
      `pull-100-8-opened-${at}`,
      pullIs('opened', { user: sam, body: '/codex fix it' }),
    ],
    [
      'an edited review',
      '- written by somebody else',
      reviews({ ...edits(), review: { ...review, user: sam } }),
    ],
    ['a comment on a line', '- written by somebody else', onLine({ user: sam })],
  ])
})

describe('edits of comments', () => {
  holds([
    ['that brought a command in', `edit-501-${at + 60_000}-apGHXwTV59`, comments(edited('hello'))],
    [
      'within a quarter of an hour',
      `edit-501-${at + 15 * 60_000}-apGHXwTV59`,
      comments(edited('hello', 15)),
    ],
    ['after a quarter of an hour', '- edited too late', comments(edited('hello', 16))],
    [
      'that took the command out',
      '- no command',
      comments(edited('/codex fix it', 1, 'never mind')),
    ],
    [
      'that do not say what was before',
      '- no new command',
      comments({ ...edited('x'), changes: undefined }),
    ],
    ['by a bot', '- by a bot', comments({ ...edited('hello'), ...byBot })],
    ['by somebody else', '- written by somebody else', comments({ ...edited('hello'), ...byZoe })],
    [
      'of an author who is gone',
      '- written by somebody else',
      comments({ ...edited('hello'), comment: { ...words, user: null, updated_at: later(1) } }),
    ],
  ])

  test('within one second or at two times are two, and one that came twice is one', () => {
    const of = (before: string, body: string, minutes = 1) =>
      read('issue_comment', comments(edited(before, minutes, body)))
    expect(of('x', '/codex a')).toBe(of('x', '/codex a'))
    const others = [of('/codex a', '/codex b'), of('/codex b', '/codex a'), of('x', '/codex a', 2)]
    expect(new Set([of('x', '/codex a'), ...others]).size).toBe(4)
  })

  test('carry what was before, so that only new commands count', () =>
    expect(readAs('issue_comment', comments(edited('hello')))).toMatchObject({
      trigger: { kind: 'comment', text: '/codex fix it', before: 'hello', at: at + 60_000 },
    }))
})

describe('labels', () => {
  holds([
    ['on an issue', `label-100-7-codex-${at}`, issues()],
    ['in another case, with a preset', `label-100-7-CODEX_High-${at}`, labelled('CODEX:High')],
    ['another one', '- other label', labelled('bug')],
    ['one that begins like it', '- other label', labelled('codex-later')],
    ['none', '- other label', issues({ label: null })],
    ['by a bot', '- by a bot', issues(byBot)],
    ['on a pull request', `label-100-8-codex-${at}`, pulls()],
    [
      'on a pull request, as the issues API says',
      `label-100-8-codex-${at}`,
      issues({ issue: issueOfPull }),
    ],
    ['an issue that was opened', '- no command', issues({ action: 'opened' })],
    ['without a time', 'label-100-7-codex-d-1', issueIs('labeled', { updated_at: undefined })],
  ])

  test('put on with a text that may ask, by its author, say so', () => {
    const asking = {
      ...issue,
      body: '/codex fix it',
      user: base.sender,
      created_at: issue.updated_at,
    }
    const withText = (differs: Payload): unknown => {
      const read = readAs('issues', issues(differs))
      return read.kind === 'trigger' && read.trigger.kind === 'label' && read.trigger.withText
    }
    expect(withText({ issue: asking })).toBe(true)
    expect(withText({ issue: { ...asking, body: 'It fails.' } })).toBeUndefined()
    expect(withText({ issue: { ...asking, user: { ...user('sam'), id: 99 } } })).toBeUndefined()
    expect(withText({ issue: { ...asking, created_at: '2020-01-01T00:00:00Z' } })).toBeUndefined()
  })

  test.each([
    ['issues', issues(), 'issue'],
    ['issues', issues({ issue: issueOfPull }), 'pull'],
    ['issues', issues({ issue: { ...issueOfPull, pull_request: undefined } }), 'pull'],
    ['pull_request', pulls(), 'pull'],
    ['issue_comment', comments({ issue: issueOfPull }), 'pull'],
    ['issue_comment', comments({ issue: { ...issue, pull_request: null } }), 'issue'],
  ])('%s know what they stand on', (event, payload, kind) =>
    expect(readAs(event, payload)).toMatchObject({ trigger: { thread: { kind } } }),
  )

  test('may be the name of the App, which the trigger keeps', () => {
    const comment = comments({ comment: { ...words, body: '@my-app fix it' } })
    const named = () => ({ ...usualTrigger, app: 'my-app' })
    expect(readAs('issue_comment', comment, named)).toMatchObject({ trigger: { app: 'my-app' } })
    expect(readAs('issue_comment', comment)).toEqual({ kind: 'ignored', why: 'no command' })
  })

  test('may be another one than codex', () => {
    const of = (name: string) =>
      readAs('issues', issues({ label: { name } }), () => ({ word: 'ai', labels: ['ai', 'robot'] }))
    expect(of('ai')).toMatchObject({ trigger: { kind: 'label', label: 'ai', base: 'ai' } })
    expect(of('robot:plan')).toMatchObject({ trigger: { label: 'robot:plan', base: 'robot' } })
    expect(of('ai:plan')).toMatchObject({ trigger: { kind: 'label', label: 'ai:plan' } })
    expect(of('codex')).toEqual({ kind: 'ignored', why: 'other label' })
  })
})

describe('reviews', () => {
  holds([
    ['submitted', 'review-40', reviews()],
    [
      'submitted without words: its comments may hold a command',
      'review-40',
      reviewed({ body: null }),
    ],
    [
      'edited',
      `review-edit-40-${at + 180_000}-eP9BiBdFVy`,
      reviews({ ...edits(), pull_request: { ...pull, updated_at: later(3) } }),
    ],
    ['edited by somebody else', '- written by somebody else', reviews({ ...edits(), ...byZoe })],
    [
      'an inline comment of one',
      '- inline comment of a review',
      onLine({ in_reply_to_id: undefined }),
    ],
    ['a reply to an inline comment', 'inline-501', inlines()],
    [
      'one of no review',
      'inline-501',
      onLine({ pull_request_review_id: null, in_reply_to_id: undefined }),
    ],
    ['an inline comment without a command', '- no command', onLine({ body: 'why?' })],
    [
      'an inline comment, edited',
      `inline-edit-501-${at + 120_000}-eP9BiBdFVy`,
      inlines({ ...edits(), comment: { ...inline, updated_at: later(2) } }),
    ],
  ])

  test('answers to an inline comment go to the first of its thread', () => {
    const line = { path: 'a.ts', line: 3, hunk: '@@', author: 'maya' }
    const commentRef = { kind: 'inline', commentId: 501, rootId: 400, reviewId: 40, inline: line }
    expect(readAs('pull_request_review_comment', inlines())).toMatchObject({
      trigger: { commentRef },
    })
  })
})

const head_ref = 'refs/heads/gh-readonly-queue/main/pr-8'
const group = { head_sha: 'fade', head_ref, base_ref: 'refs/heads/main' }
const mergeGroup = { ...base, action: 'checks_requested', merge_group: group }

test('a merge queue asks for checks of a commit of its own', () => {
  const head = { sha: 'fade', repoId: 100 }
  const trigger = { id: 'merging-100-fade', kind: 'pull-news', news: 'merging', head }
  expect(readAs('merge_group', mergeGroup)).toMatchObject({ trigger })
  expect(read('merge_group', { ...mergeGroup, action: 'destroyed' })).toBe('- event not used')
})

describe('pull requests', () => {
  holds([
    ['opened', `pull-100-8-opened-${at}`, pulls({ action: 'opened' })],
    ['merged', `pull-100-8-merged-${at}`, pullIs('closed', { merged: true })],
    [
      'opened by a bot, as ours are',
      `pull-100-8-opened-${at}`,
      pulls({ action: 'opened', sender: user('posthog[bot]', 'Bot') }),
    ],
    ['pushed to', `pull-100-8-pushed-${head.sha}`, pulls({ action: 'synchronize' })],
  ])

  test.each([
    ['issues', issueIs('closed', { closed_at: later(2) }), 'closed', 2],
    ['issues', issueIs('closed', { updated_at: later(3) }), 'closed', 3],
    ['issues', issueIs('unlabeled', { updated_at: later(4) }), 'unlabelled', 4],
    ['pull_request', pullIs('closed', { closed_at: later(5) }), 'closed', 5],
  ])('%s: what takes back has GitHub’s own time', (event, payload, _, minutes) =>
    expect(readAs(event, payload)).toMatchObject({ trigger: { at: at + minutes * 60_000 } }),
  )

  test.each(['ready_for_review', 'converted_to_draft'])('%s is news', action =>
    expect(readAs('pull_request', pulls({ action }))).toMatchObject({
      trigger: { kind: 'pull-news', news: action },
    }),
  )

  test.each([
    ['submitted', '<!-- codex-run:abc.def -->', 'reviewed'],
    ['edited', '<!-- codex-run:abc.def -->', undefined],
    ['dismissed', 'Fixes it', 'reviewed'],
  ])('a review that is %s, of a description %s', (action, body, news) => {
    const payload = reviews({
      action,
      review: { ...review, body: '' },
      pull_request: { ...pull, body },
    })
    const found = newsOf('pull_request_review', payload).flatMap(each =>
      each.kind === 'pull-news' && each.news !== 'checked' ? [each.news] : [],
    )
    expect(found[0]).toBe(news)
  })

  test.each([
    ['lost a marker', '<!-- codex-run:abc.def -->\nFixes it', 'Fixes it', 'unmarked'],
    [
      'kept it',
      '<!-- codex-run:abc.def -->\nFixes it',
      '<!-- codex-run:abc.def -->\nFixes more',
      undefined,
    ],
    ['got one', 'Fixes it', '<!-- codex-run:abc.def -->\nFixes it', 'marked'],
  ])('an edit of a description that %s', (_, from, body, news) => {
    const edited = pulls({ ...edits(from), pull_request: { ...pull, body } })
    const [trigger] = newsOf('pull_request', edited)
    expect(trigger?.kind === 'pull-news' ? trigger.news : undefined).toBe(news)
  })

  test('carry their head, and whose it is', () => {
    const of = (repo: unknown) =>
      readAs('pull_request', pullIs('labeled', { head: { ...head, repo } }))
    expect(of({ id: 200 })).toMatchObject({
      trigger: { head: { ref: 'maya/login', sha: head.sha, base: 'main', repoId: 200 } },
    })
    expect(of(null)).toMatchObject({ trigger: { head: { repoId: null } } })
  })
})

test('a trigger holds the words that were there when it came', () => {
  const gone = { issue: { ...issue, user: null, state: 'closed' } }
  expect(readAs('issue_comment', comments(gone))).toEqual({
    kind: 'trigger',
    trigger: {
      id: 'comment-501',
      deliveryId: 'd-1',
      at,
      thread: issueThread,
      sender: maya,
      kind: 'comment',
      commentRef: { kind: 'thread', commentId: 501 },
      text: '/codex fix it',
      snapshot: {
        title: 'Login is flaky',
        body: 'It fails.',
        author: 'ghost',
        open: false,
        fingerprint: hashOf(16, 'Login is flaky', 'It fails.'),
      },
    },
  })
})

const suite = { action: 'completed', ...base, check_suite: { head_branch: 'maya/login' } }
const status = { state: 'failure', ...base, branches: [{ name: 'main' }, { name: 'maya/login' }] }

describe('what a pull request may need', () => {
  test.each<[string, string, Payload]>([
    ['a suite of checks', 'check_suite', suite],
    ['a status', 'status', status],
    [
      'a thread that was resolved',
      'pull_request_review_thread',
      { ...pulls(), action: 'resolved' },
    ],
    ['a review without a command', 'pull_request_review', reviewed({ body: 'No.' })],
    ['a review by a bot', 'pull_request_review', reviews(byBot)],
    ['a review that was dismissed', 'pull_request_review', reviews({ action: 'dismissed' })],
    ['a push', 'pull_request', pulls({ action: 'synchronize' })],
  ])('%s is news of a branch', (_, event, payload) => {
    const news = newsOf(event, payload).find(trigger => trigger?.id.startsWith('checked-100-'))
    expect(news).toMatchObject({
      kind: 'pull-news',
      news: 'checked',
      head: { ref: 'maya/login', repoId: 100 },
    })
  })

  test('checks that come together are one', () => {
    vi.useFakeTimers({ now: Date.UTC(2026, 0, 2) })
    try {
      const ids = [newsOf('check_suite', suite), newsOf('status', status)].map(([news]) => news?.id)
      expect(new Set(ids).size).toBe(1)
      vi.advanceTimersByTime(5_000)
      expect(ids).not.toContain(newsOf('status', status)[0]?.id)
    } finally {
      vi.useRealTimers()
    }
  })

  test.each<[string, string, Payload]>([
    ['a suite that begins', 'check_suite', { ...suite, action: 'requested' }],
    [
      'a suite of the default branch',
      'check_suite',
      { ...suite, check_suite: { head_branch: 'main' } },
    ],
    ['a status that is not known yet', 'status', { ...status, state: 'pending' }],
  ])('%s is none', (_, event, payload) => expect(newsOf(event, payload)).toEqual([]))
})

describe('what is not understood', () => {
  test.each(['push', 'ping', 'installation_target', '', '__proto__', 'constructor', 'toString'])(
    'the event %j',
    event => expect(read(event, comments())).toBe('- event not used'),
  )

  const whole: Record<EventName, Payload> = {
    check_suite: suite,
    merge_group: mergeGroup,
    status,
    pull_request_review_thread: { ...pulls(), action: 'resolved' },
    issue_comment: comments(),
    issues: issues(),
    pull_request: pulls(),
    pull_request_review: reviews(),
    pull_request_review_comment: inlines(),
    installation: { action: 'deleted', installation: { id: 1 }, sender: maya },
    installation_repositories: {
      action: 'removed',
      installation: { id: 1 },
      repositories_removed: [{ id: 100 }],
      sender: maya,
    },
    repository: {
      action: 'archived',
      installation: { id: 1 },
      repository: { id: 100 },
      sender: maya,
    },
  }

  test.each(readEvents)(
    '%s, without any one of its fields: a trigger, or a reason, and never an exception',
    event => {
      for (const path of paths(whole[event])) {
        // GitHub's times are times.
        const values = [undefined, null, 7, [], {}, ...(path.at(-1)?.endsWith('_at') ? [] : ['x'])]
        for (const value of values) {
          const result = readAs(event, changed(whole[event], path, value))
          if (result.kind === 'trigger')
            expect(
              Trigger.safeParse(result.trigger).success,
              `${path.join('.')} = ${JSON.stringify(value)}`,
            ).toBe(true)
          else expect(result.why).toEqual(expect.any(String))
        }
      }
    },
  )

  test.each(['', '/acme/shop/issues/7', 'javascript:alert(1)'])(
    'a thread whose page is %j, from which our links are made',
    page => {
      expect(read('issue_comment', changed(comments(), ['issue', 'html_url'], page))).toBe(
        '- payload not understood',
      )
      expect(read('pull_request', changed(pulls(), ['pull_request', 'html_url'], page))).toBe(
        '- payload not understood',
      )
    },
  )

  test('any value at all', () => {
    fc.assert(
      fc.property(fc.constantFrom(...readEvents), fc.anything(), (event, payload) => {
        expect(read(event, payload)).toBe('- payload not understood')
      }),
    )
  })
})

/** Every place in a payload, from the outside in. */
function paths(value: unknown, path: string[] = []): string[][] {
  if (typeof value !== 'object' || value === null) return [path]
  return [
    path,
    ...Object.entries(value).flatMap(([key, inner]) => paths(inner, [...path, key])),
  ].filter(({ length }) => length > 0)
}

function changed(value: unknown, [key, ...rest]: string[], to: unknown): unknown {
  if (key === undefined || typeof value !== 'object' || value === null) return to
  const inner = Object.entries(value).find(([name]) => name === key)?.[1]
  return { ...value, [key]: rest.length === 0 ? to : changed(inner, rest, to) }
}

test('the App subscribes to what is read, where it is written down', () => {
  const manifest = readFileSync(new URL('../../app.yml', import.meta.url), 'utf8')
  for (const event of events) expect(manifest).toMatch(new RegExp(`^\\s*- ${event}$`, 'm'))
})
