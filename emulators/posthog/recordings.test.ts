/**
 * What each behaviour logs and patches, over HTTP, compared with the recording of the real agent: the same kinds of
 * entries and of changes of the row, in the same order, answers under the ids of their prompts, and stored as late.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { createParser } from 'eventsource-parser'
import { expect, it } from 'vitest'
import { z } from 'zod'
import { type Behaviour, upstreamSays } from './behaviour.ts'
import type { PostHogOptions } from './options.ts'
import {
  closesAfterEach,
  codex,
  logged,
  newRun,
  newTask,
  posthog,
  quick,
  send,
  start,
  until,
} from './posthog-calls.ts'

closesAfterEach()

const Said = z.object({
  id: z.number().optional(),
  method: z.string().optional(),
  params: z
    .object({
      stopReason: z.string().optional(),
      usage: z.unknown().optional(),
      errorCategory: z.string().optional(),
      _meta: z.unknown().optional(),
      update: z
        .object({
          sessionUpdate: z.string(),
          status: z.string().optional(),
          errorType: z.string().optional(),
        })
        .optional(),
    })
    .optional(),
  result: z
    .object({
      stopReason: z.string().optional(),
      outcome: z.unknown().optional(),
      _meta: z.object({ steer: z.boolean().optional() }).optional(),
    })
    .optional(),
  error: z
    .object({ data: z.object({ classification: z.string().optional() }).optional() })
    .optional(),
})
type Said = z.infer<typeof Said>

/** `undefined` for what comes in any number and says nothing: console lines, counts of tokens, thoughts. */
function kindOf({ id, method, params, result, error }: Said): string | undefined {
  if (error) return `#${id} error ${error.data?.classification}`
  if (result?.outcome) return `asked #${id} allowed or not`
  if (result) return `#${id} result ${result.stopReason} ${result._meta?.steer ? 'steer' : ''}`
  const update = params?.update
  const kind = update?.sessionUpdate ?? method
  if (/console|usage_update|thought/.test(String(kind))) return undefined
  if (kind === 'error') return `update error ${update?.errorType}`
  if (update) return [kind, update.status].join(' ')
  if (method === '_posthog/error') return `${method} ${params?.errorCategory}`
  if (method?.endsWith('turn_complete'))
    return `${method} ${params?.stopReason}${params?.usage ? ' usage' : ''}`
  return id === undefined
    ? kind
    : `${method === 'session/request_permission' ? 'asked ' : ''}#${id} ${method}`
}

const Row = z.object({
  status: z.string().optional(),
  error_message: z.string().nullish(),
  output: z.object({ head_branch: z.string().optional() }).nullish(),
})
type Row = z.infer<typeof Row>

/** Of the row what a reader sees. A pull request is left out: when `gh` is done with it, has no order. */
function changesOf(row: Row, before: Row): string[] {
  const ended = row.status !== before.status && /completed|failed/.test(row.status ?? '')
  const error = row.error_message?.replace(/url: \S+/, 'url') ?? ''
  const { head_branch: branch } = row.output ?? {}
  const moved = branch !== undefined && branch !== before.output?.head_branch
  return [ended ? `row ${row.status} ${error}` : '', moved ? 'row has the branch' : ''].filter(
    said => said !== '',
  )
}

interface Entry {
  is: string | undefined
  /** From what happened to its entry in the log, ms. */
  late: number
}

/** In the order of what happened, without what a longer run would say again and again. */
const sequence = (all: (string | undefined)[]) =>
  all.filter(
    (is, at) =>
      is !== undefined && is !== all.slice(0, at).findLast(before => before !== undefined),
  )

const working = /^(?:agent_message|tool_call)/

/** In the middle of a turn the script of the emulator does other things than that of the recording. */
const loosely = (order: (string | undefined)[]) =>
  sequence(order.map(is => (is && working.test(is) ? 'works' : is)))

const Recording = z.object({
  log: z.array(
    z.object({ at: z.number(), stored: z.number(), entry: z.object({ notification: Said }) }),
  ),
  row: z.array(z.object({ at: z.number(), patch: Row })),
})

const folder = new URL('../../test/data/agent-recordings/', import.meta.url)

function recorded(name: string) {
  const { log, row } = Recording.parse(
    JSON.parse(readFileSync(new URL(`${name}.json`, folder), 'utf8')),
  )
  const entries = log.map(({ at, stored, entry }) => ({
    at,
    is: kindOf(entry.notification),
    late: stored - at,
  }))
  const changes = row.flatMap(({ at, patch }) => changesOf(patch, {}).map(is => ({ at, is })))
  const all = [...entries, ...changes].sort((one, other) => one.at - other.at)
  return { entries, order: all.map(({ is }) => is) }
}

const Logged = z.object({ event_id: z.string(), timestamp: z.string(), notification: Said })
const Frame = z.union([
  Logged,
  Row.extend({ type: z.literal('task_run_state') }),
  z.object({ type: z.literal('permission_request') }),
])

interface Play {
  recording: string
  behaviour: Behaviour
  /** What the agent does between its prompt and its answer is its script's: told as one. */
  loosely?: true
  /** What comes after it PostHog's API does not let through. */
  upTo?: RegExp
  /** Those of later turns, or of words in the first. */
  later?: Behaviour
  run?: object
  /** Another run of the same task, with these words. */
  resumes?: string
  options?: Partial<PostHogOptions>
  /** What people do meanwhile. */
  meanwhile?: (path: string, runId: string) => Promise<void>
}

/** Everything that the stream of a run shows, as it comes. */
async function listen(path: string, heard: (frame: z.infer<typeof Frame>) => void): Promise<void> {
  const headers = { authorization: `Bearer ${posthog.apiKey}` }
  const { body } = await fetch(`${posthog.url}/api/projects/1/${path}stream/`, { headers })
  const parser = createParser({
    onEvent: ({ data }) => {
      const { success, data: frame } = Frame.safeParse(JSON.parse(data))
      if (success) heard(frame)
    },
  })
  if (body) for await (const bytes of body.pipeThrough(new TextDecoderStream())) parser.feed(bytes)
}

/** Whatever its id. */
const sortOf = (is = '') => is.replace(/#\d+ /, '')

/** How late the real agent stored such entries, each time; of what was rare, how late it stored any. */
const lateness = new Map<string, number[]>()
for (const file of readdirSync(folder))
  for (const { is, late } of recorded(file.replace('.json', '')).entries)
    lateness.set(sortOf(is), [...(lateness.get(sortOf(is)) ?? []), late])

function isAsLate({ is, late }: Entry): boolean {
  const known = lateness.get(sortOf(is)) ?? []
  const all = known.length < 4 ? [...lateness.values()].flat() : known
  return late > Math.min(...all) - 100 && late < Math.max(...all) + 100
}

/** Plays it until as much was said as in the recording, and then all that was said. */
async function played({
  recording,
  behaviour,
  later,
  loosely: isLoose,
  upTo = /$^/,
  run,
  resumes,
  options,
  meanwhile,
}: Play) {
  const shape = isLoose ? loosely : sequence
  const all = shape(recorded(recording).order)
  const last = all.findIndex(is => upTo.test(String(is)))
  const wanted = last < 0 ? all : all.slice(0, last + 1)
  await start({
    rate: 'off',
    ...options,
    timing: { ...quick, work: 700, log: 500, retry: 100, settle: 0, idle: 60_000 },
  })
  posthog.script('', later ?? { kind: 'answers', text: 'Again.' })
  posthog.script('2 + 2', behaviour, { times: 1 })
  const task = await newTask({ description: 'Say what 2 + 2 is.' })
  const before = resumes === undefined ? undefined : await newRun(codex, task)
  if (before) await answered(before.path, 1)
  if (before) await posthog.run(before.runId).finish('completed')
  const logBefore = before ? (await send('GET', `${before.path}session_logs/`)).body.length : 0
  const resuming = before && { resume_from_run_id: before.runId, pending_user_message: resumes }
  const { path, runId } = await newRun({ ...codex, ...run, ...resuming }, task)
  const entries = new Map<string, Entry>()
  const order: { id?: string; is: string | undefined }[] = []
  let shownRow: Row = {}
  const listening = listen(path, frame => {
    if ('event_id' in frame) order.push({ id: frame.event_id, is: kindOf(frame.notification) })
    else if (frame.type === 'permission_request') order.push({ is: '_posthog/permission_request' })
    else order.push(...changesOf(frame, shownRow).map(is => ({ is })))
    if ('type' in frame && frame.type === 'task_run_state') shownRow = frame
  })
  const read = async () => {
    const row = Row.parse((await send('GET', path)).body)
    const log = z.array(Logged).parse((await send('GET', `${path}session_logs/`)).body)
    // The log of the run before comes first, and what the workflow says before there is an agent.
    const begun = log.findLastIndex(({ notification }) => notification.method === 'initialize')
    for (const { event_id: id, timestamp, notification } of begun < logBefore
      ? []
      : log.slice(begun))
      if (!entries.has(id))
        entries.set(id, { is: kindOf(notification), late: Date.now() - Date.parse(timestamp) })
    const shown = order.filter(({ id }) => id === undefined || entries.has(id)).map(({ is }) => is)
    // The stream ends with the row, and the log may go on.
    const rest = [...entries].flatMap(([id, { is }]) =>
      order.some(each => each.id === id) ? [] : [is],
    )
    const unasked = rest.filter(is => is !== '_posthog/permission_request')
    return shape([...shown, ...unasked, ...changesOf(row, shownRow)])
  }
  const deadline = Date.now() + 6_000
  const people = { done: false }
  void (meanwhile?.(path, runId) ?? Promise.resolve()).then(() => {
    people.done = true
  })
  await until(read, said => (people.done && said.length === wanted.length) || Date.now() > deadline)
  const row = (await send('GET', path)).body
  await posthog.run(runId).finish('completed')
  await listening
  const said = await read()
  if (row.status === 'in_progress') expect(said.pop()).toBe('row completed ')
  return { entries: [...entries.values()], said, wanted }
}

const message = (path: string, content: string, id?: string) =>
  send('POST', `${path}command/`, {
    jsonrpc: '2.0',
    method: 'user_message',
    params: { content },
    id,
  })

/** The log has its words. */
async function atWork(path: string): Promise<void> {
  await until(
    () => logged(path, 'session/prompt'),
    prompts => prompts.length > 0,
  )
}

const answered = (path: string, times: number) =>
  until(
    async () =>
      JSON.stringify((await send('GET', `${path}session_logs/`)).body).split(
        '"stopReason":"end_turn"',
      ).length,
    count => count > 2 * times,
  )

/** Once somebody is asked. */
async function allow(path: string, runId: string, optionId: string): Promise<void> {
  const requestId = await until(() => posthog.run(runId).permissionId, Boolean)
  const params = { requestId, optionId }
  await send('POST', `${path}command/`, { jsonrpc: '2.0', method: 'permission_response', params })
}

const four: Behaviour = { kind: 'answers', text: 'Two and two is four.' }
const fails = (message: string) => ({ kind: 'fails', message }) as const

const plays: Play[] = [
  { recording: 'answer', behaviour: four },
  { recording: 'answer-interactive', behaviour: four, run: { mode: 'interactive' } },
  {
    recording: 'content-policy',
    behaviour: { kind: 'answers', text: 'Blocked.', stopReason: 'refusal' },
  },
  {
    recording: 'pr-mentioned',
    behaviour: { kind: 'answers', text: 'See https://github.com/octo/demo/pull/5.' },
  },
  {
    recording: 'question-auto',
    behaviour: {
      kind: 'asksPermission',
      question: 'Which database do you want?',
      choices: ['SQLite'],
    },
    run: { mode: 'interactive', initial_permission_mode: 'auto' },
  },
  { recording: 'resume-cold', behaviour: four, resumes: 'And 3 + 3?' },
  { recording: 'resume-without-message', behaviour: four, resumes: '' },
  { recording: 'empty-answer', behaviour: { kind: 'answers', text: '' } },
  { recording: 'upstream-429', behaviour: fails(upstreamSays[429]) },
  { recording: 'upstream-500', behaviour: fails(upstreamSays[500]) },
  { recording: 'upstream-502', behaviour: fails(upstreamSays[502]) },
  { recording: 'spend-limit', behaviour: fails(upstreamSays.spendLimit) },
  { recording: 'bad-request', behaviour: fails(upstreamSays.unknownModel('gpt-5.5')) },
  { recording: 'context-too-long', behaviour: fails(upstreamSays.contextTooLong) },
  { recording: 'codex-dies', behaviour: { kind: 'dies', who: 'codex' } },
  {
    recording: 'sandbox-dies',
    behaviour: { kind: 'dies', who: 'sandbox', after: 100 },
    meanwhile: async (_, runId) => {
      await until(() => posthog.run(runId).turnGoesOn, Boolean)
      await until(
        () => posthog.run(runId).turnGoesOn,
        goesOn => !goesOn,
      )
    },
  },
  { recording: 'sigterm-in-turn', behaviour: { kind: 'dies', who: 'agent-server' } },
  { recording: 'append-log-refused', behaviour: { ...four, lost: true, delay: 100 } },
  {
    recording: 'server-goes-on-printing',
    behaviour: { kind: 'leavesServer', text: 'The server runs.' },
  },
  {
    recording: 'pr-opened',
    behaviour: { kind: 'opensPull' },
    run: { auto_publish: true },
    loosely: true,
  },
  {
    recording: 'finish-completed',
    behaviour: { kind: 'finishes', status: 'completed', text: 'All is done.' },
    options: { teardown: 'never' },
  },
  {
    recording: 'finish-killed-later',
    behaviour: { kind: 'finishes', status: 'completed', text: 'All is done.' },
    options: { teardown: 'later' },
  },
  {
    recording: 'finish-killed-at-once',
    behaviour: { kind: 'finishes', status: 'completed', text: 'All is done.', delay: 100 },
  },
  {
    recording: 'finish-failed',
    behaviour: {
      kind: 'finishes',
      status: 'failed',
      text: 'No.',
      reason: 'The tests can not run here.',
    },
    options: { teardown: 'never' },
  },
  {
    recording: 'upstream-500-after-work',
    behaviour: { ...fails(upstreamSays[500]), text: 'I look.' },
    loosely: true,
  },
  {
    recording: 'permission-background',
    behaviour: { kind: 'asksPermission', next: { kind: 'answers', text: 'Done.' } },
    run: { initial_permission_mode: 'read-only' },
  },
  {
    recording: 'permission-unwatched',
    behaviour: { kind: 'asksPermission', next: { kind: 'answers', text: 'Done.' } },
    run: { mode: 'interactive', initial_permission_mode: 'read-only' },
  },
  {
    recording: 'permission-cancelled',
    behaviour: { kind: 'asksPermission' },
    run: { mode: 'interactive', initial_permission_mode: 'read-only' },
    options: { watched: true },
    meanwhile: async (path, runId) => {
      await atWork(path)
      posthog.run(runId).steer({ kind: 'isInterrupted' })
      await allow(path, runId, 'allow')
    },
  },
  {
    recording: 'cancel-first-turn',
    behaviour: { kind: 'dies', who: 'sandbox', text: 'I run the tests.', after: 60_000 },
    meanwhile: async (path, runId) => {
      await atWork(path)
      posthog.run(runId).steer({ kind: 'isInterrupted' })
      await message(path, 'Are you there?', 'm2')
    },
  },
  {
    recording: 'message-during-later-turn',
    behaviour: four,
    later: { kind: 'opensPull', prUrl: 'https://github.com/acme/web/pull/1' },
    loosely: true,
    meanwhile: async path => {
      await answered(path, 1)
      await message(path, 'Work.', 'm2')
      await message(path, 'And then?', 'm3')
    },
  },
  {
    recording: 'forwarded-pending-without-id',
    behaviour: { kind: 'opensPull', delay: 1_500 },
    loosely: true,
    options: { forwards: true },
  },
  {
    recording: 'goal',
    behaviour: four,
    later: { kind: 'pursuesGoal', goal: 'Make it fast', texts: ['Two.', 'Three.', 'on and on'] },
    meanwhile: async path => {
      await answered(path, 1)
      await message(path, '/goal Make it fast', 'm2')
    },
  },
  {
    recording: 'upstream-500-followup-interactive',
    behaviour: four,
    later: fails(upstreamSays[500]),
    upTo: /^row failed/,
    run: { mode: 'interactive' },
    meanwhile: async path => {
      await answered(path, 1)
      await message(path, 'And?', 'm2')
    },
  },
  {
    recording: 'question-plan-interactive',
    behaviour: {
      kind: 'asksPermission',
      question: 'Which database?',
      choices: ['Postgres', 'SQLite'],
      next: { kind: 'opensPull', prUrl: 'https://github.com/acme/web/pull/1' },
    },
    loosely: true,
    run: { mode: 'interactive', initial_permission_mode: 'plan' },
    meanwhile: async (path, runId) => {
      await allow(path, runId, 'option_1')
      await allow(path, runId, 'auto')
    },
  },
  {
    recording: 'followup',
    behaviour: four,
    meanwhile: async path => {
      await answered(path, 1)
      await message(path, 'And 3 + 3?', 'm2')
    },
  },
  {
    recording: 'message-during-first-turn',
    behaviour: { kind: 'opensPull', delay: 1_500 },
    loosely: true,
    meanwhile: async path => {
      await atWork(path)
      await message(path, 'Also mind the docs.', 'm2')
    },
  },
]

it.each(plays)('$recording', async play => {
  const { entries, said, wanted } = await played(play)
  expect(said).toEqual(wanted)
  expect(entries.filter(entry => !isAsLate(entry))).toEqual([])
})
