/** The admin pages: who may, what is shown, what is done. Every answer is for the one who asked and for now only. */

import { randomUUID } from 'node:crypto'
import { getRequestListener } from '@hono/node-server'
import { type Context, Hono } from 'hono'
import type { Check } from '../../core/model/check.ts'
import { QueueUnavailable } from '../../core/model/errors.ts'
import type { JobQueue, Log } from '../../core/model/ports.ts'
import { botAdmin, fullName } from '../../core/model/thread.ts'
import { onceAMinute } from '../../core/model/time.ts'
import { sendMessage } from '../../core/record/messages.ts'
import type { Run } from '../../core/record/run.ts'
import type { Group, Whose } from '../../core/record/run-index.ts'
import type { Handler } from '../http-server.ts'
import { bounds, type PageEnv } from '../pages.tsx'
import { onceAtATime } from '../requests.ts'
import { type AccessOptions, openAccess } from './access.ts'
import * as pages from './admin-pages.tsx'
import { type BoardRuns, type Filter, filterOf, openBoard, pathTo } from './board.ts'
import { runPath, type Shown } from './run-list.tsx'
import { canBeRetried, canBeStopped, runInJson } from './run-view.ts'

export interface AdminParts extends AccessOptions {
  runs: BoardRuns & Pick<JobQueue<Run>, 'send'>
  /** Asks for the same again, as `/codex retry` of its person does. Idempotent by `id`. */
  retry(run: Run, id: string, by: string): Promise<void>
  /** All checks of the doctor. */
  examine(): Promise<readonly Check[]>
  /** The checks that are known to have failed. */
  failedChecks(): Promise<readonly Check[]>
  posthogUrl(run: Run): string | undefined
  log: Pick<Log, 'info' | 'error'>
}

type AdminRequest = Context<PageEnv>

const whyTurnedAway = {
  stranger: undefined,
  'wrong-token': 'This is not the ADMIN_TOKEN of this bot.',
  busy: 'Too many tried just now. Try again in a second.',
}

/** What is said on the next page: never the words of an address, but one of these that it names. */
const results = {
  stopping: 'The run is being stopped. Its thread is told when that is confirmed.',
  over: 'Nothing to stop: the run has ended.',
  retried: 'It is asked for again, for the same person and under the same limits.',
  'no-retry': 'Nothing to retry: trying again would not help.',
} as const
type ActionResult = keyof typeof results

export const actionsOnRuns = ['stop', 'retry'] as const

/** What an admin may do to a run is what commands do, by the same messages and triggers. */
async function act(
  parts: AdminParts,
  action: (typeof actionsOnRuns)[number],
  run: Run,
  form: string,
): Promise<ActionResult> {
  const id = `admin-${form}`
  switch (action) {
    case 'stop': {
      if (!canBeStopped(run)) return 'over'
      // An admin means what the page shows, whatever the clocks say.
      const at = Math.max(parts.now(), run.mailbox.lastWordsAt ?? run.request.at)
      return (await sendMessage(parts.runs, run.id, { kind: 'stop', id, by: botAdmin, at }))
        ? 'stopping'
        : 'over'
    }
    case 'retry':
      if (!canBeRetried(run)) return 'no-retry'
      await parts.retry(run, id, botAdmin.login)
      return 'retried'
  }
}

export const adminPages = (parts: AdminParts): Handler => getRequestListener(routes(parts).fetch)

function routes(parts: AdminParts): Hono<PageEnv> {
  const { now, log } = parts
  const access = openAccess(parts)
  const board = openBoard(parts.runs, now)
  const app = new Hono<PageEnv>()

  app.use('*', ...bounds())
  app.onError((error, c) => {
    if (c.req.raw.signal.aborted) return c.text('broke off\n', 400)
    if (error instanceof QueueUnavailable)
      return c.html(
        <pages.Notice title="The queue does not answer" text="Try again in a moment." />,
        503,
      )
    log.error({ err: error }, 'an admin page failed')
    return c.html(
      <pages.Notice title="That did not work" text="The log of the bot says why." />,
      500,
    )
  })
  app.notFound(c => c.html(notHere, 404))
  app.get('/admin', c => c.redirect('/admin/', 303))

  const turnedAway = (c: AdminRequest, kind: keyof typeof whyTurnedAway) => {
    if (kind === 'busy') c.header('retry-after', '1')
    else c.header('www-authenticate', 'Bearer')
    return c.html(<pages.SignInPage wrong={whyTurnedAway[kind]} />, kind === 'busy' ? 429 : 401)
  }
  const audit = (c: AdminRequest, did: Record<string, string | number>) =>
    log.info({ audit: true, ...did, from: c.env.incoming.socket.remoteAddress }, 'an admin acted')

  const tellOfRefused = onceAMinute(now)
  app.post('/admin/sign-in', async c => {
    const result = await access.signIn(c, c.get('fields').get('token') ?? '')
    const tell = () => audit(c, { action: 'sign-in', result })
    if (result === 'signed-in') tell()
    else tellOfRefused(result, tell)
    return result === 'signed-in' ? c.redirect('/admin/', 303) : turnedAway(c, result)
  })

  app.use('/admin/*', async (c, next) => {
    const admission = await access.admit(c)
    return admission.kind === 'in' ? next() : turnedAway(c, admission.kind)
  })

  app.post('/admin/sign-out', async c => {
    await access.signOut(c)
    return c.redirect('/admin/', 303)
  })

  const runOf = async (c: AdminRequest): Promise<Run | undefined> =>
    (await board.get(c.req.param('id') ?? ''))?.data
  const filterIn = (c: AdminRequest) => filterOf(c.req.query('filter') ?? '')
  const shownTo = (c: AdminRequest): Shown => ({
    said: Object.entries(results).find(([name]) => name === c.req.query('said'))?.[1],
    now: now(),
  })

  /** The page of those that somebody filters by; another if nothing matches. */
  async function filtered(
    c: AdminRequest,
    page: (
      shown: Shown & { filter: Filter | undefined },
      whose: Whose | undefined,
    ) => Promise<string>,
  ) {
    const [shown, filter] = [shownTo(c), filterIn(c)]
    const whose = await board.whoseOf(filter)
    if (filter && whose && !(await board.isKnown(whose)))
      return c.html(<pages.UnknownPage {...shown} filter={filter} />)
    return c.html(await page({ ...shown, filter }, whose))
  }

  app.get('/admin/', c =>
    filtered(c, async (shown, whose) => {
      const [listOf, failedChecks] = await Promise.all([board.first(whose), parts.failedChecks()])
      return <pages.BoardPage {...shown} listOf={listOf} failedChecks={failedChecks} />
    }),
  )

  app.get('/admin/list/:group', c => {
    const group = c.req.param('group')
    if (!isGroup(group)) return c.html(notHere, 404)
    return filtered(c, async (shown, whose) => {
      const listing = await board.list({ group, whose, page: Number(c.req.query('page')) })
      return <pages.ListPage {...shown} group={group} listing={listing} />
    })
  })

  app.get('/admin/runs.json', async c => {
    const filter = c.req.query('filter') ?? ''
    const page = Number(c.req.query('page')) || 1
    const { runs, isLast } = await board.all(await board.whoseOf(filterIn(c)), page)
    const next = isLast ? {} : { next: pathTo('/admin/runs.json', { filter, page: page + 1 }) }
    return c.json({ runs: runs.map(({ data }) => runInJson(data, now())), ...next })
  })

  app.get('/admin/runs/:id', async c => {
    const run = await runOf(c)
    if (!run) return c.html(notHere, 404)
    return c.html(<pages.RunPage {...shownTo(c)} run={run} posthogUrl={parts.posthogUrl(run)} />)
  })

  app.post('/admin/runs/:id/:action', async c => {
    const action = actionsOnRuns.find(each => each === c.req.param('action'))
    const run = await runOf(c)
    if (!run || !action) return c.html(notHere, 404)
    const result = await act(parts, action, run, idOfForm(c))
    const of = { run: run.id, repository: fullName(run.thread), thread: run.thread.number }
    audit(c, { action, result, by: botAdmin.login, ...of })
    return backWith(c, result, runPath(run))
  })

  const examine = onceAtATime(parts.examine)
  app.get('/admin/checks', async c =>
    c.html(<pages.ChecksPage {...shownTo(c)} checks={await examine()} />),
  )
  return app
}

/** What is sent twice counts once. Scripts send none. */
function idOfForm(c: AdminRequest): string {
  const given = c.get('fields').get('form') ?? ''
  return /^[\w-]{1,40}$/.test(given) ? given : randomUUID()
}

/** To the page of ours where it was pressed; scripts name none. */
function backWith(c: AdminRequest, said: ActionResult, usual: string): Response {
  const from = c.req.header('referer') ?? ''
  const { pathname, searchParams } = new URL(URL.canParse(from) ? from : usual, 'http://of.ours')
  searchParams.set('said', said)
  return c.redirect(`${pathname.startsWith('/admin/') ? pathname : usual}?${searchParams}`, 303)
}

const notHere = (
  <pages.Notice title="Not here" text="There is no such page, or no such run any more." />
)

const isGroup = (name: string): name is Group => Object.hasOwn(pages.sectionTitles, name)
