/** The webhooks that GitHub really sends, all that were collected of them, through the real way in. */
import { createHmac } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { pino } from 'pino'
import { beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { Trigger } from '../../src/core/model/trigger.ts'
import { readEvents } from '../../src/github/webhooks/normalise.ts'
import { webhookPath } from '../../src/web/http-server.ts'
import { openDoor } from '../support/web-server.ts'

const secret = 'only GitHub knows'
const queued: Trigger[] = []
const door = await openDoor({
  ...{ secret, log: pino({ level: 'silent' }) },
  enqueue: async trigger => {
    queued.push(trigger)
    return 'added'
  },
})

type Payload = Record<string, unknown>
interface Example {
  event: string
  payload: Payload
}

const require = createRequire(import.meta.url)
const file = require.resolve('@octokit/webhooks-examples')
const definitions = z
  .array(z.object({ name: z.string(), examples: z.array(z.record(z.string(), z.unknown())) }))
  .parse(JSON.parse(readFileSync(file, 'utf8')))

const examples: Example[] = definitions.flatMap(({ name, examples }) =>
  examples.map(payload => ({ event: name, payload })),
)
const ours = examples.filter(({ event }) => readEvents.some(known => known === event))

/** As it was answered: what it became, or why nothing. */
async function sent({ event, payload }: Example): Promise<string> {
  const body = JSON.stringify(payload)
  const before = queued.length
  const response = await fetch(`http://127.0.0.1:${door.port}${webhookPath}`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'x-github-event': event,
      'x-github-delivery': '72d3162e-cc78-11e3-81ab-4c9367dc0958',
      'x-hub-signature-256': `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`,
    },
    body,
  })
  const answered = z.object({ ignored: z.string().optional() }).parse(await response.json())
  const [trigger] = queued.slice(before)
  if (trigger) expect(Trigger.safeParse(trigger).success).toBe(true)
  if (response.status === 202 && trigger) return trigger.kind
  return response.status === 200 ? String(answered.ignored) : `${response.status} ${JSON.stringify(answered)}`
}

/** Each event and action, with all that became of its examples. */
async function table(all: readonly Example[]): Promise<string[]> {
  const rows = new Map<string, Set<string>>()
  for (const example of all) {
    const name = `${example.event}.${example.payload.action ?? ''}`
    rows.set(name, (rows.get(name) ?? new Set()).add(await sent(example)))
  }
  return [...rows].map(([name, became]) => `${name}: ${[...became].toSorted().join(', ')}`).toSorted()
}

test('an event that is not ours is none of our business', async () => {
  const others = examples.filter(example => !ours.includes(example))
  expect(others.length).toBeGreaterThan(200)
  for (const other of others) expect(await sent(other), other.event).toBe('event not used')
})

const installed = ours.map(({ event, payload }) => ({
  event,
  payload: { ...payload, installation: payload.installation ?? { id: 1 } },
}))

let usual: string[] = []
beforeAll(async () => {
  usual = await table(installed)
})

test('what becomes of ours, sent to an App', () => {
  expect(usual).toMatchInlineSnapshot(`
    [
      "check_suite.completed: event not used, pull-news",
      "check_suite.requested: event not used",
      "check_suite.rerequested: event not used",
      "installation.created: access-back",
      "installation.deleted: access-lost",
      "installation.new_permissions_accepted: event not used",
      "installation.suspend: access-lost",
      "installation.unsuspend: access-back",
      "installation_repositories.added: access-back",
      "installation_repositories.removed: access-lost",
      "issue_comment.created: no command",
      "issue_comment.deleted: withdrawal",
      "issue_comment.edited: no command",
      "issues.assigned: event not used",
      "issues.deleted: withdrawal",
      "issues.demilestoned: event not used",
      "issues.edited: no command",
      "issues.labeled: other label",
      "issues.locked: withdrawal",
      "issues.milestoned: event not used",
      "issues.opened: no command, transferred",
      "issues.pinned: event not used",
      "issues.reopened: event not used",
      "issues.transferred: withdrawal",
      "issues.unassigned: event not used",
      "issues.unlabeled: other label",
      "issues.unlocked: event not used",
      "issues.unpinned: event not used",
      "merge_group.checks_requested: pull-news",
      "pull_request.assigned: event not used",
      "pull_request.closed: pull-news",
      "pull_request.converted_to_draft: pull-news",
      "pull_request.labeled: other label",
      "pull_request.locked: withdrawal",
      "pull_request.opened: pull-news",
      "pull_request.ready_for_review: pull-news",
      "pull_request.reopened: pull-news",
      "pull_request.review_request_removed: pull-news",
      "pull_request.review_requested: pull-news",
      "pull_request.synchronize: pull-news",
      "pull_request.unassigned: event not used",
      "pull_request.unlabeled: other label",
      "pull_request.unlocked: event not used",
      "pull_request_review.dismissed: pull-news",
      "pull_request_review.submitted: pull-news",
      "pull_request_review_comment.created: no command",
      "pull_request_review_comment.deleted: withdrawal",
      "pull_request_review_comment.edited: no command",
      "pull_request_review_thread.resolved: pull-news",
      "pull_request_review_thread.unresolved: pull-news",
      "repository.created: event not used",
      "repository.edited: access-back",
      "repository.privatized: event not used",
      "repository.publicized: event not used",
      "repository.renamed: access-back",
      "repository.transferred: access-lost",
      "status.: event not used, pull-news",
    ]
  `)
})

/** Everywhere in a payload. */
const replaced = (value: unknown, key: string, to: unknown): unknown =>
  JSON.parse(JSON.stringify(value), (name, inner) => (name === key && isLike(inner, to) ? to : inner))

/** `changes.body` says what a body was: it is none itself. */
const isLike = (inner: unknown, to: unknown): boolean =>
  typeof inner === typeof to || inner === null || to === null

const words = { body: '/codex fix it', label: { name: 'codex' } }
const asking = installed.map(({ event, payload }) => ({
  event,
  payload: replaced(replaced(payload, 'body', words.body), 'label', words.label) as Payload,
}))

describe('with words and a label that ask for something', () => {
  let became: string[] = []
  beforeAll(async () => {
    became = await table(asking)
  })

  test('as they are', () => {
    expect(became.filter(row => !usual.includes(row))).toMatchInlineSnapshot(`
      [
        "issue_comment.created: comment",
        "issue_comment.edited: comment",
        "issues.edited: no new command",
        "issues.labeled: label",
        "issues.opened: comment, transferred",
        "issues.unlabeled: withdrawal",
        "pull_request.labeled: label",
        "pull_request.unlabeled: withdrawal",
        "pull_request_review_comment.created: inline comment of a review",
        "pull_request_review_comment.edited: comment",
      ]
    `)
  })

  test('with nobody as the sender: only the loss of access needs none', async () => {
    const nobody = asking.map(({ event, payload }) => ({ event, payload: { ...payload, sender: null } }))
    const unsent = await table(nobody)
    const losses = unsent.filter(row => /^(?:installation|repository)/.test(row))
    expect(losses.join()).toContain('access-lost')
    expect(
      unsent.filter(row => !losses.includes(row)).every(row => row.endsWith('payload not understood')),
    ).toBe(true)
  })
})
