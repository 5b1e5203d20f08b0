/** The set-up page: asks, has GitHub make the App from a manifest, writes `.env`, checks, starts the bot. */
import { randomBytes, randomUUID } from 'node:crypto'
import { chmod, readFile, rename, rm, writeFile } from 'node:fs/promises'
import type { Server as HttpServer } from 'node:http'
import { isIP } from 'node:net'
import { getRequestListener } from '@hono/node-server'
import { type Context, Hono } from 'hono'
import { getCookie, setCookie } from 'hono/cookie'
import { createMiddleware } from 'hono/factory'
import { type Check, type CheckName, indispensable } from '../../core/model/check.ts'
import { describe } from '../../core/model/errors.ts'
import { settingsSchemaPath } from '../../core/settings/settings-file.ts'
import { publicAddress, serverWith } from '../http-server.ts'
import { bounds, MessagePage, type PageEnv } from '../pages.tsx'
import { isSameSecret } from '../requests.ts'
import {
  type AppWishes,
  manifestOf,
  type NewApp,
  newAppAddress,
  problemsAtGitHub,
  redeem,
  serverOf,
} from './new-app.ts'
import {
  type Field,
  form,
  ofGitHub,
  ofPostHog,
  type Problems,
  problemsIn,
  readForm,
  type Values,
  valuesOf,
} from './set-up-form.ts'
import { DetailsPage, DonePage, ReviewPage } from './set-up-pages.tsx'

export interface SetUpDeps {
  names: readonly string[]
  file: string
  given: { [Name in Field]?: string | undefined }
  protocol: string
  /** A token that is there stays. */
  hasAdminToken: boolean
  wanted: AppWishes
  testPostHog(values: Values): Promise<Check[]>
  examine(): Promise<Check[]>
  /** Where editors find the schema of the settings if the bot has no address. */
  schema: string | undefined
  /** Shows all checks again, with what the bot was started with. */
  command: string
  begin(): void
}

export function setUpServer(deps: SetUpDeps): { server: HttpServer; token: string } {
  const token = randomBytes(24).toString('base64url')
  const app = new Hono<PageEnv>()
  app.use('*', ...bounds())
  app.get('/healthz', c => c.text('ok\n'))
  app.get('/readyz', c => c.text('the bot is not set up yet\n', 503))
  app.use('*', guestsWith(deps.names, token))
  app.notFound(c => c.html(<MessagePage title="Not found" text="There is nothing here." />, 404))
  app.onError((error, c) =>
    c.html(<MessagePage title="That did not work" text={describe(error)} />, 500),
  )
  addSteps(app, deps)
  return { server: serverWith(getRequestListener(app.fetch)), token }
}

const setUpCookie = 'set_up'

/** Admits only the person at the terminal: a printed token opens the page once, and only our page may post. */
function guestsWith(names: readonly string[], token: string) {
  const session = randomBytes(24).toString('base64url')
  let isUsed = false
  return createMiddleware<PageEnv>(async (c, next) => {
    const out = (status: 403 | 421, why: string) =>
      c.html(<MessagePage title="Not here" text={why} />, status)
    if (!isOurName(c.req.header('host') ?? '', names))
      return out(
        421,
        'Open this page with the address that the terminal shows, or with the IP address of this machine.',
      )
    if (isSameSecret(getCookie(c, setUpCookie) ?? '', session)) return next()
    const given = c.req.query('token')
    if (c.req.method !== 'GET' || !isSameSecret(given ?? '', token))
      return out(403, 'Open the address that the bot printed in its terminal.')
    if (isUsed)
      return out(403, 'This address was used already. Start the bot again to get a new one.')
    isUsed = true
    // Lax, since GitHub redirects back here.
    setCookie(c, setUpCookie, session, { httpOnly: true, sameSite: 'Lax' })
    return c.redirect('/set-up', 303)
  })
}

/** Foreign names may resolve to this machine (DNS rebinding). */
function isOurName(host: string, names: readonly string[]): boolean {
  const name = host.replace(/:\d+$/, '').toLowerCase()
  const bare = name.replace(/^\[|\]$/g, '')
  return name === 'localhost' || isIP(bare) !== 0 || names.includes(name)
}

/** What one person enters is kept as long as the page. */
function addSteps(app: Hono<PageEnv>, deps: SetUpDeps) {
  const { wanted, protocol, file } = deps
  let values = valuesOf(field => deps.given[field] ?? form[field].usual ?? '')
  /** What is wrong with the values. Nothing is known of those that were not sent yet. */
  let problems: Problems | undefined
  /** OAuth-style state: binds GitHub's redirect to our manifest. */
  const state = randomBytes(24).toString('base64url')
  /** Another tab may still show what there was before it. */
  let made: NewApp | undefined
  let isWritten = false
  /** What came of what somebody just did, if it did not work. */
  let amiss: string | undefined
  const isRight = () => problems !== undefined && Object.keys(problems).length === 0

  // Each form leads to a page that can be asked for again: so a browser's way back leads somewhere.
  const toPage = (c: SetUpRequest, path = '/set-up') => c.redirect(path, 303)
  for (const path of ['/', '/set-up/create', '/set-up/start']) app.get(path, c => toPage(c))

  async function donePage(c: SetUpRequest, { name, html_url: address }: NewApp) {
    // GitHub gives the key only once, so a failed write (full disk) can be repeated.
    const isNew = !isWritten && !deps.hasAdminToken
    const adminToken = isNew ? randomBytes(32).toString('base64url') : undefined
    if (made && !isWritten)
      await writeEnv(file, { ...variablesOf(made, values, protocol), ADMIN_TOKEN: adminToken })
    isWritten = true
    const schema = publicAddress(values.webhook, settingsSchemaPath) ?? deps.schema
    const shown = { name, address, file, schema, adminToken, amiss, values, command: deps.command }
    amiss = undefined
    return c.html(<DonePage {...shown} checks={await deps.examine()} />)
  }

  app.get('/set-up', c =>
    made ? donePage(c, made) : c.html(<DetailsPage values={values} problems={problems ?? {}} />),
  )

  app.post('/set-up/review', async c => {
    if (made) return toPage(c)
    const sent = valuesOf(field => (c.get('fields').get(field) ?? '').trim())
    const read = readForm({ ...sent, posthogKey: sent.posthogKey || values.posthogKey })
    values = read.values
    const isGood = (field: Field) => read.problems[field] === undefined
    const [atPostHog, atGitHub] = await Promise.all([
      ofPostHog.every(isGood) ? deps.testPostHog(values).then(problemsIn) : {},
      ofGitHub.every(isGood) ? problemsAtGitHub(serverOf(values, protocol), values) : {},
    ])
    problems = { ...read.problems, ...atPostHog, ...atGitHub }
    return toPage(c, isRight() ? '/set-up/review' : '/set-up')
  })

  app.get('/set-up/review', c => {
    if (made || !isRight()) return toPage(c)
    const { web } = serverOf(values, protocol)
    c.set('formsTo', web)
    return c.html(
      <ReviewPage
        values={values}
        manifest={manifestOf(values, wanted, `http://${c.req.header('host')}/set-up/callback`)}
        reasons={wanted.reasons}
        host={new URL(web).host}
      />,
    )
  })

  // GitHub gets the form itself: the manifest is in it.
  app.post('/set-up/create', c =>
    made ? toPage(c) : c.redirect(newAppAddress(serverOf(values, protocol), values, state), 307),
  )

  app.get('/set-up/callback', async c => {
    const code = c.req.query('code') ?? ''
    if (made) return toPage(c)
    if (c.req.query('state') !== state || code === '') {
      const why = 'GitHub’s answer does not belong to what this page sent. Begin again at /set-up.'
      return c.html(<MessagePage title="Not expected" text={why} />, 403)
    }
    made = await redeem(serverOf(values, protocol), code)
    return toPage(c)
  })

  app.post('/set-up/start', async c => {
    if (!made || !isWritten) return toPage(c)
    const checks = await deps.examine()
    if (checks.some(({ name, ok }) => !ok && beforeStart.has(name))) {
      amiss = 'The bot was not started, since it could not work. Correct what is wrong first.'
      return toPage(c)
    }
    // After the response, the port goes to the bot.
    setTimeout(() => deps.begin(), 200)
    const health = `http://${c.req.header('host')}/readyz`
    return c.html(
      <MessagePage
        title="The bot starts"
        text="This page is closed now. Write /codex help on an issue of a repository where the App is installed."
      >
        <p>
          <a href={health}>{health}</a> shows when the bot is ready.
        </p>
      </MessagePage>,
    )
  })
}

type SetUpRequest = Context<PageEnv>

/** What else may be wrong can be put right while the bot runs, or only then. */
const beforeStart = new Set<CheckName>([...indispensable, 'configuration', 'queue'])

/** Only those that have a value are written. */
type SetUpVariables = Readonly<Record<string, string | undefined>>

function variablesOf(made: NewApp, values: Values, protocol: string): SetUpVariables {
  const isEnterprise = values.enterprise !== ''
  return {
    APP_ID: String(made.id),
    PRIVATE_KEY: made.pem.trim(),
    WEBHOOK_SECRET: made.webhook_secret ?? '',
    GHE_HOST: isEnterprise ? values.enterprise : undefined,
    GHE_PROTOCOL: isEnterprise && protocol !== 'https' ? protocol : undefined,
    WEBHOOKS: values.webhook === '' ? 'poll' : 'address',
    POSTHOG_HOST: values.posthogHost.replace(/\/+$/, ''),
    POSTHOG_API_KEY: values.posthogKey,
    POSTHOG_PROJECT_ID: values.posthogProject,
  }
}

/** The `.env` that the set-up writes; comments and order of one that is there stay. */
export async function writeEnv(path: string, values: SetUpVariables): Promise<void> {
  const before = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return ''
    throw error
  })
  const aside = `${path}.${randomUUID().slice(0, 8)}`
  try {
    await writeFile(aside, withValues(before, values), { mode: 0o600, flag: 'wx' })
    // The umask may have removed bits.
    await chmod(aside, 0o600)
    await rename(aside, path)
  } catch (error) {
    await rm(aside, { force: true })
    throw error
  }
}

/** A line that sets a name. A quoted value may span lines, as a private key does. */
const assignment =
  /^(?:export )?(?<name>[A-Z][A-Z0-9_]*)=(?:(?<quote>["'`])[\s\S]*?\k<quote>.*|.*)$/gm

/** A value replaces the line of its name; new names go to the end. */
export function withValues(text: string, values: SetUpVariables): string {
  const left = new Map(Object.entries(values))
  const after = text.replace(/\r\n/g, '\n').replace(assignment, (line, name: string) => {
    const value = left.get(name)
    if (value === undefined) return line
    left.delete(name)
    return assigned(name, value)
  })
  const added = [...left].map(([name, value]) =>
    value === undefined ? '' : `${assigned(name, value)}\n`,
  )
  return `${after}\n`.replace(/\n+$/, '\n').replace(/^\n$/, '') + added.join('')
}

/** In double quotes, Node turns backslash and n into a line break, and unescapes nothing else. */
function assigned(name: string, value: string): string {
  if (/^[\w./:@+=,-]*$/.test(value)) return `${name}=${value}`
  return value.includes('"') ? `${name}='${value}'` : `${name}="${value.replaceAll('\n', '\\n')}"`
}
