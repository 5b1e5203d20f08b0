/** The steps of the set-up, one after another; the last writes the `.env`, whose comments and order stay. */
import { randomBytes, randomUUID } from 'node:crypto'
import { chmod, readFile, rename, rm, writeFile } from 'node:fs/promises'
import type { IncomingMessage } from 'node:http'
import type { Check } from '../../core/model/check.ts'
import { settingsSchemaPath } from '../../core/settings/repository-file.ts'
import { publicAddress } from '../http-server.ts'
import {
  type AppWishes,
  manifestOf,
  type NewApp,
  newAppAddress,
  permissionsOf,
  redeem,
  serverOf,
} from './new-app.ts'
import {
  type Field,
  type Finding,
  fields,
  findingOf,
  findingsIn,
  isLocalHost,
  type Problems,
  readForm,
  type Values,
} from './set-up-form.ts'
import { moved, type Reply, shown } from './set-up-layout.tsx'
import { detailsPage, donePage, messagePage, reviewPage, startedPage } from './set-up-pages.tsx'

export interface SetUpDeps {
  names: readonly string[]
  file: string
  given: Partial<Values>
  protocol: string
  wanted: AppWishes
  /** A new webhook proxy channel; `undefined` if none can be had. */
  channel(): Promise<string | undefined>
  testPostHog(values: Values): Promise<Check[]>
  examine(): Promise<Check[]>
  begin(): void
}

const ofPostHog: readonly Field[] = ['posthogHost', 'posthogKey', 'posthogProject']

const empty: Values = {
  name: 'codex-task-bot',
  organization: '',
  enterprise: '',
  webhook: '',
  teams: 'yes',
  posthogHost: 'https://us.posthog.com',
  posthogKey: '',
  posthogProject: '',
}

/** Entries of one person, kept as long as the page. */
export class Steps {
  readonly #deps: SetUpDeps
  #values: Values
  #channel: string | undefined
  /** OAuth-style state: binds GitHub's redirect to our manifest. */
  #state: string | undefined
  #made: NewApp | undefined
  #written = false

  constructor(deps: SetUpDeps) {
    this.#deps = deps
    this.#values = { ...empty, ...deps.given }
  }

  async take(req: IncomingMessage, url: URL): Promise<Reply> {
    switch (`${req.method} ${url.pathname}`) {
      case 'GET /':
        return moved('/set-up')
      case 'GET /set-up/test':
      case 'GET /set-up/review':
        return moved('/set-up')
      case 'GET /set-up':
        return this.#made ? this.#finish() : this.#details()
      case 'POST /set-up/test':
        return this.#test(await this.#entered(req))
      case 'POST /set-up/review':
        return this.#review(await this.#entered(req), req.headers.host ?? '')
      case 'GET /set-up/callback':
        return this.#callback(url)
      case 'POST /set-up/start':
        return this.#start(req.headers.host ?? '')
      default:
        return shown(messagePage('Not found', 'There is nothing here.'), 404)
    }
  }

  async #details(problems: Problems = {}, tested?: readonly Finding[]): Promise<Reply> {
    if (this.#values.webhook === '') {
      this.#channel ??= await this.#deps.channel()
      this.#values = { ...this.#values, webhook: this.#channel ?? '' }
    }
    const page = detailsPage({
      values: this.#values,
      problems,
      keyKept: this.#values.posthogKey !== '',
      channel: this.#channel !== undefined && this.#values.webhook === this.#channel,
      tested,
    })
    return shown(page, Object.keys(problems).length > 0 ? 422 : 200)
  }

  async #entered(req: IncomingMessage): Promise<ReturnType<typeof readForm>> {
    const form = new URLSearchParams(await formText(req))
    const given = Object.fromEntries(fields.map(field => [field, (form.get(field) ?? '').trim()])) as Values
    const values = { ...given, posthogKey: given.posthogKey || this.#values.posthogKey }
    const read = readForm(values, { local: isLocalHost(values.enterprise) })
    this.#values = read.values
    return read
  }

  async #test(read: ReturnType<typeof readForm>): Promise<Reply> {
    const slips = findingsIn(read.kind === 'good' ? {} : read.problems, ofPostHog)
    const findings =
      slips.length > 0 ? slips : (await this.#deps.testPostHog(read.values)).map(check => findingOf(check))
    const problems: Problems = {}
    for (const { field, ok, words } of findings) if (!ok && field) problems[field] ??= words
    return this.#details(problems, findings)
  }

  async #review(read: ReturnType<typeof readForm>, host: string): Promise<Reply> {
    if (read.kind === 'bad') return this.#details(read.problems)
    const { values } = read
    this.#state = randomBytes(24).toString('base64url')
    const gitHub = serverOf(values, this.#deps.protocol)
    const manifest = manifestOf(values, this.#deps.wanted, `http://${host}/set-up/callback`)
    const address = newAppAddress(gitHub, values, this.#state)
    const { wanted } = this.#deps
    const permissions = Object.entries(permissionsOf(values, wanted)).map(([name, level]) => ({
      name,
      level,
      why: wanted.reasons[name] ?? '',
    }))
    return shown(reviewPage({ values, manifest, permissions, address }), 200, gitHub.web)
  }

  async #callback(url: URL): Promise<Reply> {
    const code = url.searchParams.get('code') ?? ''
    const state = url.searchParams.get('state')
    if (this.#state === undefined || state !== this.#state || code === '')
      return shown(
        messagePage(
          'Not expected',
          'GitHub’s answer does not belong to what this page sent. Begin again at /set-up.',
        ),
        403,
      )
    this.#state = undefined
    this.#made = await redeem(serverOf(this.#values, this.#deps.protocol), code)
    return moved('/set-up')
  }

  /** GitHub gives the key only once, so a failed write (full disk) can be repeated. */
  async #finish(): Promise<Reply> {
    const made = this.#made
    if (!made) return moved('/set-up')
    if (!this.#written) await writeEnv(this.#deps.file, variablesOf(made, this.#values, this.#deps.protocol))
    this.#written = true
    const { html_url: address, name } = made
    const posthog = this.#values.posthogHost.replace(/\/+$/, '')
    const schema = publicAddress(this.#values.webhook, settingsSchemaPath)
    const { file } = this.#deps
    return shown(donePage({ name, address, posthog, file, schema, checks: await this.#deps.examine() }))
  }

  #start(host: string): Reply {
    if (!this.#written) return moved('/set-up')
    // After the response, the port goes to the bot.
    setTimeout(() => this.#deps.begin(), 200)
    return shown(startedPage(`http://${host}/readyz`))
  }
}

function variablesOf(made: NewApp, values: Values, protocol: string): Record<string, string> {
  const { webhook } = values
  const isChannel = URL.canParse(webhook) && new URL(webhook).hostname === 'smee.io'
  return {
    APP_ID: String(made.id),
    PRIVATE_KEY: made.pem.trim(),
    WEBHOOK_SECRET: made.webhook_secret ?? '',
    ...(made.client_id && made.client_secret
      ? { GITHUB_CLIENT_ID: made.client_id, GITHUB_CLIENT_SECRET: made.client_secret }
      : {}),
    ...(values.enterprise === '' ? {} : { GHE_HOST: values.enterprise }),
    ...(values.enterprise === '' || protocol === 'https' ? {} : { GHE_PROTOCOL: protocol }),
    ...(isChannel ? { WEBHOOK_PROXY_URL: webhook } : {}),
    POSTHOG_HOST: values.posthogHost.replace(/\/+$/, ''),
    POSTHOG_API_KEY: values.posthogKey,
    POSTHOG_PROJECT_ID: values.posthogProject,
  }
}

const maxBody = 64 * 1024

async function formText(req: IncomingMessage): Promise<string> {
  const parts: Buffer[] = []
  let length = 0
  for await (const part of req) {
    const bytes = Buffer.from(part)
    length += bytes.length
    if (length > maxBody) throw new Error('The form is too long.')
    parts.push(bytes)
  }
  return Buffer.concat(parts).toString()
}

async function writeEnv(path: string, values: Record<string, string>): Promise<void> {
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

/** A value replaces the line of its name, commented out or not; new names go to the end. */
export function withValues(text: string, values: Record<string, string>): string {
  const left = new Map(Object.entries(values))
  const entries = entriesOf(text)
  const inForce = new Set(entries.filter(({ live }) => live).map(({ name }) => name))
  const lines = entries.map(({ name, raw, live }) => {
    const value = name === undefined ? undefined : left.get(name)
    if (name === undefined || value === undefined || (!live && inForce.has(name))) return raw
    left.delete(name)
    return assigned(name, value)
  })
  while (lines.at(-1) === '') lines.pop()
  return `${[...lines, ...[...left].map(([name, value]) => assigned(name, value))].join('\n')}\n`
}

interface Entry {
  raw: string
  name: string | undefined
  live: boolean
}

const assignment = /^(# ?)?(?:export )?([A-Z][A-Z0-9_]*)=(.*)$/

/** A quoted value may span lines, as a private key does. */
function entriesOf(text: string): Entry[] {
  const lines = text === '' ? [] : text.replace(/\r\n/g, '\n').split('\n')
  const entries: Entry[] = []
  for (let index = 0; index < lines.length; index++) {
    let raw = lines[index] ?? ''
    const match = assignment.exec(raw)
    if (!match) {
      entries.push({ raw, name: undefined, live: false })
      continue
    }
    const [, comment, name, value = ''] = match
    const quote = /^["'`]/.exec(value)?.[0]
    if (comment === undefined && quote !== undefined && !value.slice(1).includes(quote))
      while (index + 1 < lines.length) {
        const next = lines[++index] ?? ''
        raw += `\n${next}`
        if (next.includes(quote)) break
      }
    entries.push({ raw, name, live: comment === undefined })
  }
  return entries
}

/**
 * Node unescapes only `
 * ` in double quotes.
 */
function assigned(name: string, value: string): string {
  if (/^[\w./:@+=,-]*$/.test(value)) return `${name}=${value}`
  return value.includes('"') ? `${name}='${value}'` : `${name}="${value.replaceAll('\n', '\\n')}"`
}
