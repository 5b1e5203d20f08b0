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
  secret,
  log: pino({ level: 'silent' }),
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
  return response.status === 200
    ? String(answered.ignored)
    : `${response.status} ${JSON.stringify(answered)}`
}

/** What became of the examples of each event, and of which of its actions. */
async function table(all: readonly Example[]): Promise<string[]> {
  const rows = new Map<string, Set<string>>()
  for (const example of all) {
    const row = `${await sent(example)}: ${example.event}`
    rows.set(row, (rows.get(row) ?? new Set()).add(String(example.payload.action ?? '')))
  }
  return [...rows]
    .map(([row, actions]) => `${row} ${[...actions].toSorted().join()}`.trimEnd())
    .toSorted()
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
      "access-lost: installation deleted,suspend",
      "access-lost: installation_repositories removed",
      "access-lost: repository transferred",
      "event not used: check_suite completed,requested,rerequested",
      "event not used: installation created,new_permissions_accepted,unsuspend",
      "event not used: installation_repositories added",
      "event not used: issues assigned,demilestoned,milestoned,pinned,reopened,unassigned,unlocked,unpinned",
      "event not used: pull_request assigned,unassigned,unlocked",
      "event not used: repository created,edited,privatized,publicized,renamed",
      "event not used: status",
      "no command: issue_comment created,edited",
      "no command: issues edited,opened",
      "no command: pull_request_review_comment created,edited",
      "other label: issues labeled,unlabeled",
      "other label: pull_request labeled,unlabeled",
      "pull-news: check_suite completed",
      "pull-news: merge_group checks_requested",
      "pull-news: pull_request closed,converted_to_draft,opened,ready_for_review,reopened,review_request_removed,review_requested,synchronize",
      "pull-news: pull_request_review dismissed,submitted",
      "pull-news: pull_request_review_thread resolved,unresolved",
      "pull-news: status",
      "transferred: issues opened",
      "withdrawal: issue_comment deleted",
      "withdrawal: issues deleted,locked,transferred",
      "withdrawal: pull_request locked",
      "withdrawal: pull_request_review_comment deleted",
    ]
  `)
})

/** Everywhere in a payload. */
const replaced = (value: unknown, key: string, to: unknown): unknown =>
  JSON.parse(JSON.stringify(value), (name, inner) =>
    name === key && isLike(inner, to) ? to : inner,
  )

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
        "comment: issue_comment created,edited",
        "comment: issues opened",
        "comment: pull_request_review_comment edited",
        "inline comment of a review: pull_request_review_comment created",
        "label: issues labeled",
        "label: pull_request labeled",
        "no new command: issues edited",
        "withdrawal: issues deleted,locked,transferred,unlabeled",
        "withdrawal: pull_request locked,unlabeled",
      ]
    `)
  })

  test('with nobody as the sender: only the loss of access needs none', async () => {
    const nobody = asking.map(({ event, payload }) => ({
      event,
      payload: { ...payload, sender: null },
    }))
    const unsent = await table(nobody)
    const losses = unsent.filter(row => /: (?:installation|repository)/.test(row))
    expect(losses.join()).toContain('access-lost')
    expect(
      unsent
        .filter(row => !losses.includes(row))
        .every(row => row.startsWith('payload not understood')),
    ).toBe(true)
  })
})
