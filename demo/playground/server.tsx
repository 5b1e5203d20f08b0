/** The page and its actions. For this machine only: no other name and no other page gets anything done here. */
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { AddressInfo } from 'node:net'
import { type ServerType, serve } from '@hono/node-server'
import { type Context, Hono } from 'hono'
import { csrf } from 'hono/csrf'
import { html } from 'hono/html'
import { secureHeaders } from 'hono/secure-headers'
import { streamSSE } from 'hono/streaming'
import { Behind } from './behind.tsx'
import { ticked } from './shown.ts'
import { behaviours, isBehaviour, type Stage } from './stage.ts'
import { ThreadPage, Threads } from './thread-page.tsx'

const { resolve } = createRequire(import.meta.url)
const beside = (name: string): string => new URL(name, import.meta.url).pathname

const css = 'text/css; charset=utf-8'
const script = 'text/javascript; charset=utf-8'

const files: Readonly<Record<string, readonly [path: string, type: string]>> = {
  '/page.css': [beside('page.css'), css],
  '/page.js': [beside('page.js'), script],
  '/markdown.css': [resolve('github-markdown-css/github-markdown.css'), css],
  '/idiomorph.js': [resolve('idiomorph/dist/idiomorph.esm.js'), script],
}

/** ms between two looks for whether anything is new, while a page is open. */
const lookEvery = 150

/** GitHub's own words, out of the emulator's error: what is wrong stands behind “Validation Failed”. */
const reasonOf = (error: unknown): string => {
  const text = error instanceof Error ? error.message : String(error)
  const words = [...text.matchAll(/"message":"([^"]+)"/g)].map(([, each]) => each)
  return words.length === 0 ? text : `GitHub refuses: ${[...new Set(words)].join(': ')}`
}

/** The page with the reason beside the button that was pressed; `undefined` if that is not there any more. */
function besideButton(page: string, path: string, problem: string): string | undefined {
  // A `<` in the words of others is escaped.
  const button = new RegExp(`<(?:form|button)[^<>]* (?:form)?action="${path}"`).exec(page)
  const end = button ? page.indexOf('</form>', button.index) : -1
  const reason = (
    <div id="refusal" role="alert">
      {problem}
    </div>
  )
  return end < 0 ? undefined : `${page.slice(0, end)}${reason}${page.slice(end)}`
}

const isHere = (host: string | undefined): boolean =>
  /^(?:127\.0\.0\.1|localhost)(?::\d+)?$/.test(host ?? '')

function appOf(stage: Stage): Hono {
  const { github } = stage.world
  const app = new Hono()
  app.use(async (c, next) =>
    isHere(c.req.header('host')) ? next() : c.text('This page has another address.', 421),
  )
  app.use(
    secureHeaders({
      contentSecurityPolicy: {
        defaultSrc: ["'none'"],
        scriptSrc: ["'self'"],
        styleSrc: ["'self'"],
        imgSrc: ["'self'", 'data:'],
        connectSrc: ["'self'"],
        formAction: ["'self'"],
        baseUri: ["'none'"],
        frameAncestors: ["'none'"],
      },
      strictTransportSecurity: false,
    }),
    csrf(),
  )
  for (const [path, [file, type]] of Object.entries(files))
    app.get(path, c => c.body(readFileSync(file, 'utf8'), 200, { 'content-type': type }))

  app.get('/', c => c.redirect('/threads/1'))
  app.get('/threads/:number{[0-9]+}', c => page(c, Number(c.req.param('number'))))
  app.get('/events', c =>
    streamSSE(c, async stream => {
      let seen = ''
      while (!stream.aborted) {
        const { progress } = stage
        if (progress !== seen) await stream.writeSSE({ data: 'new' })
        seen = progress
        await stream.sleep(lookEvery)
      }
    }),
  )

  async function page(c: Context, number: number, problem = '') {
    const shown = await pageWith(number, '')
    if (shown === undefined) return c.text(`There is no thread #${number}.`, 404)
    c.header('cache-control', 'no-store')
    if (problem === '') return c.html(shown)
    return c.html(
      besideButton(shown, c.req.path, problem) ?? (await pageWith(number, problem)) ?? '',
      422,
    )
  }

  const pageWith = async (number: number, problem: string): Promise<string | undefined> => {
    const [rows, thread] = await Promise.all([
      github.threads(),
      github.thread(number).catch(() => undefined),
    ])
    if (!thread) return undefined
    const document = (
      <html lang="en">
        <head>
          <meta charset="utf-8" />
          <meta name="viewport" content="width=device-width, initial-scale=1" />
          <title>{`${thread.title} · #${number} · playground`}</title>
          <link rel="stylesheet" href="/markdown.css" />
          <link rel="stylesheet" href="/page.css" />
          <link rel="icon" href="data:," />
          <script type="module" src="/page.js" />
        </head>
        <body>
          <header class="top">
            <a class="brand" href="/">
              codex-task-bot <span class="muted">playground</span>
            </a>
            <span class="muted">{github.repository}</span>
          </header>
          <main>
            <div role="alert" id="problem">
              {problem}
            </div>
            <Threads rows={rows} number={number} />
            <ThreadPage thread={thread} stage={stage} />
            <Behind thread={thread} stage={stage} />
          </main>
        </body>
      </html>
    )
    return String(await html`<!doctype html>${document}`)
  }

  /** Does it and shows the thread, another one if a number comes of it, or the reason if GitHub refuses. */
  const post = (path: string, act: (asked: Asked) => unknown) =>
    app.post(path, async c => {
      const form = await c.req.formData()
      const field = (name: string): string => String(form.get(name) ?? '').replaceAll('\r\n', '\n')
      const number = Number(c.req.param('number'))
      stage.act()
      try {
        const to = await act({ number, id: Number(c.req.param('id')), field })
        return c.redirect(`/threads/${typeof to === 'number' ? to : number}`, 303)
      } catch (error) {
        return page(c, number, reasonOf(error))
      }
    })

  const thread = '/threads/:number{[0-9]+}'
  const comment = `${thread}/comments/:id{[0-9]+}`

  post(`${thread}/person`, ({ field }) => stage.become(field('login')))
  post(`${thread}/turns`, ({ field }) => {
    const name = field('does')
    if (isBehaviour(name)) stage.does(name)
  })
  post(`${thread}/new`, async ({ field }) => open(stage, field))
  post(`${thread}/comments`, ({ number, field }) => stage.me.comments(number, field('body')))
  post(`${thread}/close`, ({ number }) => stage.me.closes(number))
  post(`${thread}/reopen`, ({ number }) => stage.me.reopens(number))
  post(`${thread}/merge`, ({ number }) => stage.me.mergesPull(number))
  post(`${thread}/label`, ({ number, field }) => stage.me.labels(number, field('label')))
  post(`${thread}/unlabel`, ({ number, field }) => stage.me.unlabels(number, field('label')))
  post(`${thread}/reviews`, async ({ number, field }) => {
    const event = events.find(each => each === field('event')) ?? 'COMMENT'
    const line = { path: field('path'), line: Number(field('line')), body: field('comment') }
    await stage.me.reviews(number, {
      body: field('body'),
      event,
      comments: line.body ? [line] : [],
    })
  })
  post(`${thread}/check`, ({ number, field }) =>
    github.checks(number, 'unit tests', field('ended') === 'SUCCESS' ? 'SUCCESS' : 'FAILURE'),
  )
  post(`${comment}/edit`, ({ id, field }) => stage.me.editsComment(id, field('body')))
  post(`${comment}/delete`, ({ id }) => stage.me.deletesComment(id))
  post(`${thread}/lines/:id{[0-9]+}/delete`, ({ id }) => stage.me.deletesLineComment(id))
  post(`${comment}/tick`, async ({ number, id, field }) => {
    const { comments } = await github.thread(number)
    const text = comments.find(each => each.id === id)?.body ?? ''
    await stage.me.editsComment(id, ticked(text, Number(field('box'))))
  })
  post(`${thread}/agent`, ({ number, field }) => {
    const name = field('does')
    const run = stage.runOf(number)
    if (!isBehaviour(name) || !run?.steer(behaviours[name].does))
      throw new Error('The agent is not in the middle of a turn.')
  })
  post(`${thread}/clock`, ({ field }) => stage.moveClock(Math.max(0, Number(field('ms')) || 0)))
  post(`${thread}/process`, ({ field }) => {
    if (field('what') === 'kill') stage.kill()
    else void stage.startBot().catch(error => console.error(error))
  })
  return app
}

interface Asked {
  number: number
  id: number
  field(name: string): string
}

const events = ['COMMENT', 'APPROVE', 'REQUEST_CHANGES'] as const

/** @returns its number */
async function open(
  { world: { github }, me, person }: Stage,
  field: Asked['field'],
): Promise<number> {
  const words = { title: field('title'), body: field('body') }
  const kind = field('kind')
  if (kind === 'issue') return (await me.opensIssue(words)).number
  const branch = `${person.replace('[bot]', '')}-${(await github.threads()).length + 1}`
  if (kind === 'fork') return (await github.openForkPull({ ...words, head: branch })).number
  await me.pushes(branch, { [`src/${branch}.ts`]: 'export const one = 1\n' })
  return (await me.opensPull({ ...words, head: branch })).number
}

/** @param port any other, if that one is taken; 0 for any that is free. @returns its address, with a slash at the end */
export async function servePlayground(stage: Stage, port: number): Promise<string> {
  const server = await listening(stage, port).catch(() => listening(stage, 0))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
}

const listening = (stage: Stage, port: number): Promise<ServerType> =>
  new Promise((resolve, reject) => {
    const server = serve({ fetch: appOf(stage).fetch, port, hostname: '127.0.0.1' }, () =>
      resolve(server),
    )
    server.once('error', reject)
  })
