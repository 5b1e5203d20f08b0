/** The admin pages: who may, what is shown, what is done. Every answer is for the one who asked and for now only. */
import { randomUUID } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { type Context, Hono } from 'hono'
import type { Check } from '../../core/model/check.ts'
import { QueueUnavailable } from '../../core/model/errors.ts'
import { holds, type Pauses } from '../../core/model/pause.ts'
import type { JobQueue, Log } from '../../core/model/ports.ts'
import type { Run } from '../../core/record/run.ts'
import type { Group } from '../../core/record/run-index.ts'
import { type Access, isFromHere, openAccess } from './access.ts'
import { type ActionOnRun, act, actionsOnRuns, type Result, results } from './actions.ts'
import { MessagePage, SignInPage, type Viewer } from './admin-layout.tsx'
import { policy } from './admin-style.ts'
import { type Board, openBoard } from './board.ts'
import { BoardPage, ListPage, sectionTitles } from './board-page.tsx'
import { filterOf, pathTo } from './filters.ts'
import { ChecksPage, RunPage } from './run-page.tsx'
import { runInJson } from './run-view.ts'

export interface AdminParts {
  token: string
  runs: Pick<JobQueue<Run>, 'get' | 'members' | 'query' | 'send'>
  pauses: Pauses
  /** Asks for the same again, as `/codex retry` of its person does. Idempotent by `id`. */
  retry(run: Run, id: string): Promise<void>
  /** Takes no more work in this process; a process that does none has no such thing. */
  drain: (() => void) | undefined
  /** All checks of the doctor. */
  examine(): Promise<readonly Check[]>
  /** Those that are known to have failed. */
  failedChecks(): Promise<readonly Check[]>
  /** Why the deployment is paused, if it is. */
  pausedBecause(): string | undefined
  posthogUrl(run: Run): string | undefined
  log: Pick<Log, 'info' | 'warn' | 'error'>
  now(): number
  /** ms until a wrong token is answered. */
  slowness?: number
}

interface Env {
  Bindings: { from: string }
  Variables: { session: string | undefined }
}

type In = Context<Env>

export type AdminPages = (req: IncomingMessage, res: ServerResponse) => Promise<void>

export function adminPages(parts: AdminParts): AdminPages {
  const app = routes(parts)
  return async (req, res) => {
    const body = await bodyOf(req)
    const path = req.url ?? '/'
    const url = URL.canParse(path, here) ? new URL(path, here) : new URL(here)
    const method = req.method ?? 'GET'
    const mayHaveBody = method !== 'GET' && method !== 'HEAD'
    const headers = new Headers()
    for (const [name, value] of Object.entries(req.headers))
      if (value !== undefined) headers.set(name, String(value))
    const request = new Request(url, { method, headers, ...(mayHaveBody ? { body: body ?? '' } : {}) })
    const response =
      body === undefined
        ? new Response('too much\n', { status: 413 })
        : await app.fetch(request, { from: req.socket.remoteAddress ?? '' })
    res.writeHead(response.status, Object.fromEntries(response.headers))
    res.end(method === 'HEAD' ? undefined : Buffer.from(await response.arrayBuffer()))
  }
}

/** Only paths count: nothing that a page says comes from the name it was asked by. */
const here = 'http://bot.invalid'

/** Characters of the largest form. */
const maxBody = 10_000

async function bodyOf(req: IncomingMessage): Promise<string | undefined> {
  let text = ''
  for await (const chunk of req.setEncoding('utf8')) {
    text += chunk
    if (text.length > maxBody) return undefined
  }
  return text
}

function routes(parts: AdminParts): Hono<Env> {
  const { now, log } = parts
  const access = openAccess(parts)
  const board = openBoard(parts.runs, now)
  let isDrained = false
  const app = new Hono<Env>()

  app.use('*', async (c, next) => {
    await next()
    for (const [name, value] of Object.entries(always)) c.res.headers.set(name, value)
  })
  app.onError((error, c) => {
    if (error instanceof QueueUnavailable)
      return c.html(<MessagePage title="The queue does not answer" text="Try again in a moment." />, 503)
    log.error({ err: error }, 'an admin page failed')
    return c.html(<MessagePage title="That did not work" text="The log of the bot says why." />, 500)
  })
  app.notFound(c => c.html(notHere, 404))
  app.get('/admin', c => c.redirect('/admin/', 303))

  app.post('/admin/sign-in', async c => {
    if (!isFromHere(c.req.raw.headers)) return c.html(fromElsewhere, 403)
    const form = new URLSearchParams(await c.req.text())
    const signedIn = await access.signIn(form.get('token') ?? '', c.req.raw.headers)
    log.info(
      { audit: true, action: 'sign-in', result: signedIn.kind, from: c.env.from },
      'an admin signed in, or not',
    )
    if (signedIn.kind !== 'signed-in') return turnedAway(c, signedIn.kind)
    c.header('set-cookie', signedIn.cookie)
    return c.redirect('/admin/', 303)
  })

  app.use('/admin/*', async (c, next) => {
    const admission = await access.admit(c.req.raw.headers)
    if (admission.kind !== 'in') return turnedAway(c, admission.kind)
    c.set('session', admission.session)
    await next()
    return undefined
  })

  /** @returns what tells this form from others, or what is answered instead of what it wants */
  const formOf = async (c: In): Promise<{ id: string; fields: URLSearchParams } | undefined> => {
    const { headers } = c.req.raw
    const fields = new URLSearchParams(await c.req.text())
    const session = c.get('session')
    // A bearer token is never sent by a browser of its own accord.
    if (session === undefined) {
      const isElsewhere = headers.get('origin') !== null && !isFromHere(headers)
      return isElsewhere ? undefined : { id: randomUUID(), fields }
    }
    const id = isFromHere(headers) ? access.formOf(session, fields.get('form') ?? '') : undefined
    return id === undefined ? undefined : { id, fields }
  }

  app.post('/admin/sign-out', async c => {
    if (!(await formOf(c))) return c.html(fromElsewhere, 403)
    c.header('set-cookie', access.signOut(c.req.raw.headers))
    return c.redirect('/admin/', 303)
  })

  app.get('/admin/', async c => {
    const whose = filterOf(c.req.query('filter') ?? '')
    const drain = parts.drain === undefined ? 'no work here' : isDrained ? 'drained' : 'possible'
    const shown = await onBoardPage(parts, board, whose)
    return c.html(<BoardPage {...shown} viewer={viewerOf(access, c)} said={saidIn(c)} drain={drain} />)
  })

  app.get('/admin/list/:group', async c => {
    const group = c.req.param('group')
    if (!isGroup(group)) return c.html(notHere, 404)
    const whose = filterOf(c.req.query('filter') ?? '')
    const listing = await board.list({ group, whose, page: Number(c.req.query('page')) })
    return c.html(<ListPage viewer={viewerOf(access, c)} now={now()} {...{ group, whose, listing }} />)
  })

  app.get('/admin/runs.json', async c => {
    const filter = c.req.query('filter') ?? ''
    const page = Number(c.req.query('page')) || 1
    const { runs, isLast } = await board.all(filterOf(filter), page)
    const next = isLast ? {} : { next: pathTo('/admin/runs.json', { filter, page: page + 1 }) }
    return c.json({ runs: runs.map(({ data }) => runInJson(data, now())), ...next })
  })

  app.get('/admin/runs/:id', async c => {
    const run = (await board.get(c.req.param('id')))?.data
    if (!run) return c.html(notHere, 404)
    const pause = await parts.pauses.of(run.thread.repoId)
    return c.html(
      <RunPage
        viewer={viewerOf(access, c)}
        said={saidIn(c)}
        now={now()}
        run={run}
        posthogUrl={parts.posthogUrl(run)}
        pause={pause && holds(pause, now()) ? pause : undefined}
      />,
    )
  })

  app.post('/admin/runs/:id/:action', async c => {
    const form = await formOf(c)
    if (!form) return c.html(fromElsewhere, 403)
    const action = c.req.param('action')
    const run = (await board.get(c.req.param('id')))?.data
    if (!run || !isAction(action)) return c.html(notHere, 404)
    const { id, fields } = form
    const text = fields.get('text') ?? ''
    const result = await act(parts, { action, run, id, text, from: c.env.from })
    return c.redirect(`/admin/runs/${encodeURIComponent(run.id)}?said=${result}`, 303)
  })

  const examine = onceAtATime(parts.examine)
  app.get('/admin/checks', async c => {
    const checks = await examine()
    return c.html(<ChecksPage viewer={viewerOf(access, c)} checks={checks} />)
  })

  app.post('/admin/drain', async c => {
    if (!(await formOf(c))) return c.html(fromElsewhere, 403)
    if (parts.drain === undefined) return c.html(notHere, 404)
    isDrained = true
    parts.drain()
    log.info(
      { audit: true, action: 'drain', result: 'draining', by: 'admin', from: c.env.from },
      'an admin acted',
    )
    return c.redirect('/admin/?said=draining', 303)
  })
  return app
}

const always: Readonly<Record<string, string>> = {
  'content-security-policy': policy,
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  // `no-referrer` would hide from our own forms where they come from.
  'referrer-policy': 'same-origin',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
}

const notHere = <MessagePage title="Not here" text="There is no such page, or no such run any more." />
const fromElsewhere = (
  <MessagePage
    title="Not done"
    text="This did not come from a form of this page, or the form is too old. Open the page again."
  />
)

function turnedAway(c: In, kind: 'stranger' | 'wrong-token' | 'busy') {
  switch (kind) {
    case 'stranger':
      c.header('www-authenticate', 'Bearer')
      return c.html(<SignInPage />, 401)
    case 'wrong-token':
      c.header('www-authenticate', 'Bearer')
      return c.html(<SignInPage wrong="This is not the ADMIN_TOKEN of this bot." />, 401)
    case 'busy':
      c.header('retry-after', '1')
      return c.html(<SignInPage wrong="Too many wrong tokens came just now. Try again in a second." />, 429)
  }
}

function viewerOf(access: Access, c: In): Viewer {
  const session = c.get('session')
  return {
    form: () =>
      session === undefined ? null : <input type="hidden" name="form" value={access.formToken(session)} />,
  }
}

/** Never the words of an address: one of ours that it names. */
function saidIn(c: In): string | undefined {
  const said = c.req.query('said')
  return said !== undefined && isResult(said) ? results[said] : undefined
}

const isResult = (name: string): name is Result => Object.hasOwn(results, name)
const isGroup = (name: string): name is Group => Object.hasOwn(sectionTitles, name)
const isAction = (name: string): name is ActionOnRun => actionsOnRuns.some(action => action === name)

/** Of each list on the first page; the rest is a click away. */
const atFirst = 20
/** One row a repository, so more are read. */
const pausedAtFirst = 100
const daysShown = 7

async function onBoardPage(parts: AdminParts, board: Board, whose: ReturnType<typeof filterOf>) {
  const list = (group: Group, size = atFirst) => board.list({ group, whose, size })
  const [questions, allFailed, setUp, pausedRuns, working, waiting, ended, days, failedChecks] =
    await Promise.all([
      list('question'),
      list('failed'),
      list('set-up', pausedAtFirst),
      list('paused', pausedAtFirst),
      list('working'),
      list('waiting'),
      list('ended'),
      board.outcomesByDay(daysShown),
      parts.failedChecks(),
    ])
  const failed = (await board.stillLast(allFailed.runs)).map(({ data }) => data)
  const paused = parts.pausedBecause()
  const now = parts.now()
  return {
    now,
    whose,
    questions,
    failed,
    setUp,
    pausedRuns,
    working,
    waiting,
    ended,
    days,
    failedChecks,
    paused,
  }
}

function onceAtATime<T>(read: () => Promise<T>): () => Promise<T> {
  let underWay: Promise<T> | undefined
  return () => {
    underWay ??= read().finally(() => {
      underWay = undefined
    })
    return underWay
  }
}
