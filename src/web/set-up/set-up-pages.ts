/** The manifest from which GitHub makes the App, and where it is sent. Source: GitHub's docs, "Registering a GitHub App from a manifest". */

import { randomBytes } from 'node:crypto'
import type { ServerResponse } from 'node:http'
import { isIP } from 'node:net'
import { z } from 'zod'
import type { Check } from '../../core/model/check.ts'

const steps = ['Details', 'Review', 'Create on GitHub', 'Done'] as const
type Step = (typeof steps)[number]

export interface Page {
  title: string
  body: Html
}

const documentOf = ({ title, body }: Page, nonce: string): string =>
  `<!doctype html>\n${
    html`<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title} · codex-task-bot</title><link rel="icon" href="data:,"><style nonce="${nonce}">`.text
  }${style}${html`</style></head><body><main>${body}</main></body></html>`.text}\n`

const stepList = (current: Step): Html =>
  html`<ol class="steps" aria-label="Steps">${steps.map((step, index) =>
    step === current
      ? html`<li aria-current="step">${index + 1}. ${step}</li>`
      : html`<li>${index + 1}. ${step}</li>`,
  )}</ol>`

interface Described {
  label: string
  more?: string
  hint?: string
  type?: 'password' | 'url'
  numeric?: boolean
}

const described: Record<Field, Described> = {
  name: {
    label: 'Name of the App',
    hint: 'It has to be new on GitHub, and people see it as the author of the bot’s comments.',
  },
  organization: {
    label: 'Organization',
    more: '(empty for your own account)',
    hint: 'The App will belong to it. You have to be one of its owners.',
  },
  enterprise: {
    label: 'Host of your Enterprise Server',
    more: '(empty for github.com)',
    hint: 'For example github.example.com.',
  },
  webhook: {
    label: 'Webhook address',
    type: 'url',
    hint: 'Where GitHub reaches this bot from outside, for example https://codex.example.com.',
  },
  posthogHost: {
    label: 'Address of PostHog',
    type: 'url',
    hint: 'https://us.posthog.com, https://eu.posthog.com or your own.',
  },
  posthogKey: {
    label: 'Personal API key',
    type: 'password',
    hint: 'With the scope task:write. Best of a user and a project made for this bot.',
  },
  posthogProject: {
    label: 'Number of the project',
    numeric: true,
    hint: 'It stands in the address of the project: /project/12345.',
  },
}

export interface Shown {
  values: Values
  problems: Problems
  tested?: readonly Check[]
  /** A key was entered; it is never sent back. */
  keyKept: boolean
  channel: boolean
}

export function detailsPage(shown: Shown): Page {
  const input = (field: Field): Html => inputOf(field, shown)
  return {
    title: 'Set up',
    body: html`${stepList('Details')}<h1>Set up your bot</h1>
<p>This makes a GitHub App of your own, connects it to your PostHog project, and writes both into <code>.env</code>. Nothing is sent before you have seen it.</p>
${summaryOf(shown.problems)}
<form method="post" action="/set-up/review" novalidate>
<fieldset><legend>GitHub</legend>${input('name')}${input('organization')}${input('enterprise')}${input('webhook')}
${shown.channel ? html`<p class="hint">This is a new channel of smee.io, which passes GitHub’s webhooks on to this machine. Good for trying things out; use an address of your own for real work.</p>` : undefined}</fieldset>
<fieldset><legend>PostHog</legend>${input('posthogHost')}${input('posthogKey')}${input('posthogProject')}
<div class="row"><button class="second" formaction="/set-up/test">Test the connection</button></div>
${shown.tested ? html`<div role="status">${checkList(shown.tested)}</div>` : undefined}</fieldset>
<div class="row"><button>Review</button></div></form>`,
  }
}

function summaryOf(problems: Problems): Html | undefined {
  const wrong = Object.entries(problems)
  if (wrong.length === 0) return undefined
  return html`<section class="summary" role="alert" tabindex="-1"><h2>${wrong.length === 1 ? 'One thing needs' : `${wrong.length} things need`} another look</h2><ul>${wrong.map(
    ([field, problem]) =>
      html`<li><a href="#${field}">${described[field as Field].label}</a>: ${problem}</li>`,
  )}</ul></section>`
}

function inputOf(field: Field, { values, problems, keyKept }: Shown): Html {
  const { label, more, hint, type, numeric } = described[field]
  const problem = problems[field]
  const secret = type === 'password'
  return html`<div class="field"><label for="${field}">${label}${more ? html` <span class="more">${more}</span>` : undefined}</label>
<input id="${field}" name="${field}" type="${type === 'password' ? 'password' : 'text'}" value="${secret ? '' : values[field]}" autocomplete="off" autocapitalize="off" spellcheck="false"${
    numeric ? html` inputmode="numeric"` : undefined
  }${type === 'url' ? html` inputmode="url"` : undefined}${secret && keyKept ? html` placeholder="as given before"` : undefined}${
    problem ? html` aria-invalid="true"` : undefined
  } aria-describedby="${field}-hint${problem ? ` ${field}-wrong` : ''}">
${problem ? html`<p class="wrong" id="${field}-wrong">${problem}</p>` : undefined}<p class="hint" id="${field}-hint">${hint}</p></div>`
}

const checkList = (checks: readonly Check[]): Html =>
  html`<ul class="checks">${checks.map(
    ({ name, ok, detail, fix }) =>
      html`<li><span class="${ok ? 'yes' : 'no'}" aria-hidden="true">${ok ? '✓' : '✗'}</span><span><span class="unseen">${ok ? 'Good' : 'Not yet'}:</span> <strong>${name}</strong>, ${detail}${
        fix ? html`<br>${fix}` : undefined
      }</span></li>`,
  )}</ul>`

export interface Reviewed {
  values: Values
  manifest: Record<string, unknown>
  address: string
}

export const reviewPage = ({ values, manifest, address }: Reviewed): Page => ({
  title: 'Review',
  body: html`${stepList('Review')}<h1>This is what GitHub will be asked for</h1>
<p>The App <strong>${values.name}</strong> will belong to ${values.organization === '' ? 'your own account' : html`the organization <strong>${values.organization}</strong>`} on <strong>${new URL(address).host}</strong>. GitHub shows it to you once more before it is made.</p>
<section><h2>Manifest</h2><pre tabindex="0" role="region" aria-label="Manifest">${JSON.stringify(manifest, null, 2)}</pre></section>
<form method="post" action="${address}"><input type="hidden" name="manifest" value="${JSON.stringify(manifest)}">
<div class="row"><button>Create it on GitHub</button><a class="button second" href="/set-up">Change something</a></div></form>`,
})

export interface Finished {
  name: string
  address: string
  file: string
  checks: readonly Check[]
}

export const donePage = ({ name, address, file, checks }: Finished): Page => ({
  title: 'Done',
  body: html`${stepList('Done')}<h1>${name} is made</h1>
<p>Its credentials are in <code>${file}</code>, which only this user may read.</p>
<section><h2>Next</h2><ol>
<li><a href="${address}/installations/new">Install it</a> on a repository of yours.</li>
<li>See to it that PostHog’s own GitHub App has access to that repository, too.</li>
<li>Start the bot, then write <code>/codex help</code> on an issue there.</li></ol>
<form method="post" action="/set-up/start"><div class="row"><button>Start the bot</button><a class="button second" href="/set-up">Check again</a></div></form></section>
<section><h2>Checks</h2><p class="hint">The same as <code>npm run doctor</code>.</p>${checkList(checks)}</section>`,
})

export const startedPage = (health: string): Page => ({
  title: 'Started',
  body: html`<h1>The bot starts</h1><p>This page is closed for good now. Write <code>/codex help</code> on an issue of a repository where the App is installed; <a href="${health}">${health}</a> tells when it is ready.</p>`,
})

export const messagePage = (title: string, text: string): Page => ({
  title,
  body: html`<h1>${title}</h1><p>${text}</p>`,
})

const entities: Record<string, string> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

const escaped = (text: string): string => text.replace(/[&<>"']/g, found => entities[found] ?? found)

export class Html {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }
}

type Part = Html | string | number | undefined | readonly Html[]

const html = (strings: TemplateStringsArray, ...parts: Part[]): Html =>
  new Html(strings.reduce((text, string, index) => `${text}${string}${asText(parts[index])}`, ''))

function asText(part: Part): string {
  if (part === undefined) return ''
  if (part instanceof Html) return part.text
  return typeof part === 'object' ? part.map(({ text }) => text).join('') : escaped(String(part))
}

const style = `
:root { color-scheme: light dark; --page: #f6f8fa; --card: #fff; --text: #1f2328; --dim: #59636e; --line: #d1d9e0;
  --field: #fff; --field-line: #818b98; --accent: #0969da; --on-accent: #fff; --good: #1a7f37; --bad: #cf222e; --bad-card: #ffebe9 }
@media (prefers-color-scheme: dark) { :root { --page: #0d1117; --card: #151b23; --text: #f0f6fc; --dim: #9198a1; --line: #3d444d;
  --field: #0d1117; --field-line: #656c76; --accent: #4493f8; --on-accent: #0d1117; --good: #3fb950; --bad: #f85149; --bad-card: #25171c } }
* { box-sizing: border-box }
body { margin: 0; background: var(--page); color: var(--text); font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Helvetica, Arial, sans-serif }
main { max-width: 42rem; margin: 0 auto; padding: 2.5rem 1rem 4rem }
h1 { font-size: 1.75rem; line-height: 1.25; margin: 0 0 .5rem }
h2 { font-size: 1.125rem; margin: 0 0 .25rem }
p { margin: 0 0 1rem }
a { color: var(--accent) }
ol.steps { display: flex; flex-wrap: wrap; gap: .25rem 1.25rem; list-style: none; padding: 0; margin: 0 0 1.5rem; color: var(--dim); font-size: .875rem }
ol.steps [aria-current] { color: var(--text); font-weight: 600 }
section, fieldset { background: var(--card); border: 1px solid var(--line); border-radius: .5rem; padding: 1.25rem; margin: 0 0 1.25rem; min-width: 0 }
legend { float: left; width: 100%; padding: 0; font-size: 1.125rem; font-weight: 600; margin: 0 0 .75rem }
legend + * { clear: both }
.hint { color: var(--dim); font-size: .875rem; margin: .25rem 0 0 }
.field { margin: 1rem 0 0 }
label { display: block; font-weight: 600; margin: 0 0 .25rem }
label .more { font-weight: 400; color: var(--dim) }
input { width: 100%; font: inherit; color: inherit; background: var(--field); border: 1px solid var(--field-line); border-radius: .375rem; padding: .5rem .625rem; min-height: 2.75rem }
input[aria-invalid="true"] { border-color: var(--bad) }
.wrong { color: var(--bad); font-size: .875rem; margin: .25rem 0 0 }
.summary { border-color: var(--bad); background: var(--bad-card) }
.summary ul { margin: .25rem 0 0; padding-left: 1.25rem }
button, .button { display: inline-block; font: inherit; font-weight: 600; border: 1px solid var(--accent); border-radius: .375rem; padding: .5rem 1rem; min-height: 2.75rem; cursor: pointer; background: var(--accent); color: var(--on-accent); text-decoration: none }
button.second, .button.second { background: transparent; color: var(--accent) }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px }
.row { display: flex; flex-wrap: wrap; gap: .75rem; align-items: center; margin: 1rem 0 0 }
pre { overflow: auto; max-height: 24rem; margin: .75rem 0 0; padding: .75rem; border: 1px solid var(--line); border-radius: .375rem; background: var(--page); font: .8125rem/1.5 ui-monospace, SFMono-Regular, Menlo, monospace }
code { font: .875em ui-monospace, SFMono-Regular, Menlo, monospace; overflow-wrap: anywhere }
ul.checks { list-style: none; padding: 0; margin: .75rem 0 0 }
ul.checks li { display: grid; grid-template-columns: 1.5rem 1fr; padding: .5rem 0; border-top: 1px solid var(--line); overflow-wrap: anywhere }
ul.checks li:first-child { border-top: 0 }
.unseen { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%) }
.yes { color: var(--good); font-weight: 700 } .no { color: var(--bad); font-weight: 700 }
`

export interface Reply {
  status: number
  headers: Record<string, string>
  page?: Page
  formsTo?: string
}

export const shown = (page: Page, status = 200, formsTo?: string): Reply => ({
  status,
  headers: {},
  page,
  formsTo,
})
export const moved = (location: string, headers: Record<string, string> = {}): Reply => ({
  status: 303,
  headers: { location, ...headers },
})

export function send(res: ServerResponse, { status, headers, page, formsTo }: Reply): void {
  const nonce = randomBytes(16).toString('base64')
  const policy = [
    "default-src 'none'",
    `style-src 'nonce-${nonce}'`,
    'img-src data:',
    "base-uri 'none'",
    "frame-ancestors 'none'",
    `form-action 'self'${formsTo === undefined ? '' : ` ${formsTo}`}`,
  ].join('; ')
  res.writeHead(status, {
    'content-type': 'text/html; charset=utf-8',
    'content-security-policy': policy,
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'same-origin',
    'cache-control': 'no-store',
    ...headers,
  })
  res.end(page ? documentOf(page, nonce) : '')
}

export interface AppWishes {
  permissions: Readonly<Record<string, string>>
  events: readonly string[]
}

export const manifestOf = (values: Values, wanted: AppWishes, callback: string): Record<string, unknown> => ({
  name: values.name,
  url: 'https://posthog.com/docs/tasks',
  description:
    'Turns /codex comments and labels into PostHog task runs on Codex, and brings back the pull request.',
  public: false,
  redirect_url: callback,
  hook_attributes: { url: values.webhook, active: true },
  default_permissions: wanted.permissions,
  default_events: wanted.events,
})

export interface Server {
  web: string
  api: string
}

export function serverOf({ enterprise }: Pick<Values, 'enterprise'>, protocol: string): Server {
  if (enterprise === '') return { web: 'https://github.com', api: 'https://api.github.com' }
  return { web: `${protocol}://${enterprise}`, api: `${protocol}://${enterprise}/api/v3` }
}

export const newAppAddress = (
  { web }: Server,
  { organization }: Pick<Values, 'organization'>,
  state: string,
): string =>
  `${web}${organization === '' ? '' : `/organizations/${organization}`}/settings/apps/new?state=${state}`

const NewApp = z.object({
  id: z.number().int(),
  name: z.string(),
  html_url: z.string(),
  pem: z.string(),
  webhook_secret: z.string().nullish(),
})
export type NewApp = z.infer<typeof NewApp>

/** @throws an error with GitHub's response; a code works once, within an hour */
export async function redeem({ api }: Server, code: string): Promise<NewApp> {
  const response = await fetch(`${api}/app-manifests/${encodeURIComponent(code)}/conversions`, {
    method: 'POST',
    headers: { accept: 'application/vnd.github+json', 'user-agent': 'codex-task-bot' },
    signal: AbortSignal.timeout(15_000),
  })
  const parsed = NewApp.safeParse(await response.json().catch(() => undefined))
  if (response.ok && parsed.success) return parsed.data
  throw new Error(
    response.status === 404
      ? 'GitHub does not know this code: it works once, and for an hour'
      : `GitHub answered ${response.status} when the App was fetched`,
  )
}

export const fields = [
  'name',
  'organization',
  'enterprise',
  'webhook',
  'posthogHost',
  'posthogKey',
  'posthogProject',
] as const
export type Field = (typeof fields)[number]

export type Values = Record<Field, string>
export type Problems = Partial<Record<Field, string>>

const hostName = /^[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?(?::\d{1,5})?$/

const Form = z.object({
  name: z
    .string()
    .min(1, 'Give the App a name.')
    .max(34, 'GitHub takes at most 34 characters.')
    .regex(/^[A-Za-z0-9][A-Za-z0-9 ._-]*$/, 'Use letters, digits, spaces, dots and hyphens.'),
  organization: z
    .string()
    .regex(/^(?:[A-Za-z0-9][A-Za-z0-9-]{0,38})?$/, 'This is not a name of an organization.'),
  enterprise: z
    .string()
    .refine(host => host === '' || hostName.test(host), 'Give the host name only, e.g. github.example.com.'),
  webhook: z.string().superRefine((address, context) => {
    const problem = webhookProblem(address)
    if (problem) context.addIssue({ code: 'custom', message: problem })
  }),
  posthogHost: z.string().refine(isWebAddress, 'Give an address that begins with https://.'),
  posthogKey: z
    .string()
    .min(1, 'Give a personal API key.')
    .refine(
      key => !/^ph[cs]_/.test(key),
      'This is a project key; the Tasks API takes a personal one (phx_…).',
    )
    .refine(key => !/[\s"'`\\$#]/.test(key), 'A key has no spaces or quotes.'),
  posthogProject: z
    .string()
    .regex(/^[1-9]\d{0,14}$/, 'Give the number in the address of your PostHog project.'),
}) satisfies z.ZodType<Values>

function isWebAddress(text: string): boolean {
  return URL.canParse(text) && /^https?:$/.test(new URL(text).protocol) && !/[\s"'`\\$#]/.test(text)
}

function webhookProblem(address: string): string | undefined {
  if (address === '') return 'Give the address under which GitHub reaches this bot.'
  if (!isWebAddress(address)) return 'Give an address that begins with https://.'
  return isPrivate(new URL(address).hostname)
    ? 'GitHub can’t reach an address that only this machine or network knows.'
    : undefined
}

const privateAddress =
  /^(?:127\.|10\.|192\.168\.|169\.254\.|172\.(?:1[6-9]|2\d|3[01])\.|0\.0\.0\.0$|\[(?:::1?|f[cde]))/i

const isPrivate = (host: string): boolean =>
  host === 'localhost' || host.endsWith('.localhost') || host.endsWith('.local') || privateAddress.test(host)

export type Read = { kind: 'good'; values: Values } | { kind: 'bad'; values: Values; problems: Problems }

/** @param local whether addresses of this machine will do, as GitHub Enterprise Server may run here */
export function readForm(given: Values, { local }: { local: boolean }): Read {
  const values = { ...given, webhook: given.webhook === '' ? '' : withPath(given.webhook) }
  const parsed = Form.safeParse(
    local && isWebAddress(values.webhook) ? { ...values, webhook: publicExample } : values,
  )
  if (parsed.success) return { kind: 'good', values }
  const problems: Problems = {}
  for (const { path, message } of parsed.error.issues) {
    const field = fields.find(known => known === path[0])
    if (field) problems[field] ??= message
  }
  return { kind: 'bad', values, problems }
}

const publicExample = 'https://bot.example.com/api/github/webhooks'

function withPath(address: string): string {
  if (!URL.canParse(address)) return address
  const url = new URL(address)
  return url.pathname === '/' && url.hostname !== 'smee.io'
    ? new URL('/api/github/webhooks', url).href
    : address
}

export const isLocalHost = (host: string): boolean => {
  const name = host.replace(/:\d+$/, '')
  return isPrivate(name) || (isIP(name) !== 0 && privateAddress.test(name))
}
