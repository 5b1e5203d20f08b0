/** The pages of the set-up, as text: no script, and no address but our own and the form's. */
import { randomBytes } from 'node:crypto'
import type { ServerResponse } from 'node:http'
import type { Check } from '../../core/model/check.ts'
import { settingsPath } from '../../core/settings/repository-file.ts'
import { editorLine } from '../../core/words/settings-check.ts'
import {
  type Field,
  type Finding,
  fields,
  findingsIn,
  labels,
  type Problems,
  type Values,
} from './set-up-form.ts'

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
  more?: string
  hint: string
  type?: 'password' | 'url'
  numeric?: boolean
}

type TextField = Exclude<Field, 'teams'>

const described: Record<TextField, Described> = {
  name: {
    hint: 'It must be new on GitHub. People see it as the author of the bot’s comments.',
  },
  organization: {
    more: '(empty for your own account)',
    hint: 'The App will belong to it. You must be one of its owners.',
  },
  enterprise: {
    more: '(empty for github.com)',
    hint: 'For example github.example.com.',
  },
  webhook: {
    type: 'url',
    hint: 'Where GitHub reaches this bot from outside, for example https://codex.example.com.',
  },
  posthogHost: {
    type: 'url',
    hint: 'https://us.posthog.com, https://eu.posthog.com or your own.',
  },
  posthogKey: {
    type: 'password',
    hint: 'With the scopes task:write and integration:read.',
  },
  posthogProject: {
    numeric: true,
    hint: 'It is in the address of the project: /project/12345.',
  },
}

export interface Shown {
  values: Values
  problems: Problems
  /** What “Test the connection” found. */
  tested?: readonly Finding[] | undefined
  /** A key was entered; it is never sent back. */
  keyKept: boolean
  channel: boolean
}

export function detailsPage(shown: Shown): Page {
  const { values, problems, tested, channel } = shown
  const input = (field: TextField): Html => inputOf(field, shown)
  return {
    title: 'Set up',
    body: html`${stepList('Details')}<h1>Set up your bot</h1>
<p>This page makes a GitHub App for the bot, connects it to your PostHog project, and writes both into <code>.env</code>. You see everything before it is sent. It takes about five minutes.</p>
${tested ? undefined : summaryOf(problems)}
<section><h2>Two things in PostHog first</h2><ol>
<li>PostHog’s own GitHub App, on the repositories that the bot is for. PostHog’s agent reads and pushes with it. ${linksTo('Install it', '/settings/project-integrations', values)}</li>
<li>A personal API key with the scopes <code>task:write</code> and <code>integration:read</code>. ${linksTo('Make a key', '/settings/user-api-keys', values)}</li></ol>
<p class="hint">Use a PostHog project only for this bot: its agent has access to everything in the project.</p></section>
<form method="post" action="/set-up/review" novalidate>
<fieldset><legend>PostHog</legend>${input('posthogHost')}${input('posthogKey')}${input('posthogProject')}
<div class="row" id="connection"><button class="second" formaction="/set-up/test#connection">Test the connection</button></div>
${tested ? html`<div role="status">${findingList(tested)}</div>` : undefined}</fieldset>
<fieldset><legend>GitHub</legend>${input('name')}${input('organization')}${input('enterprise')}${input('webhook')}
${channel ? html`<p class="hint">This is a new channel of smee.io, which passes GitHub’s webhooks on to this machine. Use it only for a trial: everybody who knows the channel can read what passes through it.</p>` : undefined}
<div class="box"><input id="teams" name="teams" type="checkbox" value="yes"${values.teams === '' ? undefined : html` checked`} aria-describedby="teams-hint"><label for="teams">${labels.teams}</label></div><p class="hint" id="teams-hint">Asks GitHub for the permission “members: read”. You need it only if your settings name teams.</p></fieldset>
<div class="row"><button>Review</button></div></form>`,
  }
}

const regions = ['https://us.posthog.com', 'https://eu.posthog.com']

/** To both regions, unless PostHog is at an address of its own. */
function linksTo(what: string, path: string, { posthogHost }: Values): Html {
  const host = posthogHost.replace(/\/+$/, '')
  const hosts = regions.includes(host) || !URL.canParse(host) ? regions : [host]
  return html`${what}: ${hosts.map(
    (each, at) =>
      html`${at === 0 ? '' : ' · '}<a href="${each}${path}" target="_blank" rel="noreferrer">${new URL(each).host}<span class="unseen"> (${what}, new tab)</span></a>`,
  )}`
}

function summaryOf(problems: Problems): Html | undefined {
  const wrong = findingsIn(problems, fields)
  if (wrong.length === 0) return undefined
  return html`<section class="summary" role="alert" tabindex="-1"><h2>${wrong.length === 1 ? 'Please correct one thing' : `Please correct ${wrong.length} things`}</h2><ul>${wrong.map(
    ({ field, label, words }) => html`<li><a href="#${field}">${label}</a>: ${words}</li>`,
  )}</ul></section>`
}

function inputOf(field: TextField, { values, problems, keyKept }: Shown): Html {
  const { more, hint, type, numeric } = described[field]
  const problem = problems[field]
  const secret = type === 'password'
  return html`<div class="field"><label for="${field}">${labels[field]}${more ? html` <span class="more">${more}</span>` : undefined}</label>
<input id="${field}" name="${field}" type="${type === 'password' ? 'password' : 'text'}" value="${secret ? '' : values[field]}" autocomplete="off" autocapitalize="off" spellcheck="false"${
    numeric ? html` inputmode="numeric"` : undefined
  }${type === 'url' ? html` inputmode="url"` : undefined}${secret && keyKept ? html` placeholder="as entered before"` : undefined}${
    problem ? html` aria-invalid="true"` : undefined
  } aria-describedby="${field}-hint${problem ? ` ${field}-wrong` : ''}">
${problem ? html`<p class="wrong" id="${field}-wrong">${problem}</p>` : undefined}<p class="hint" id="${field}-hint">${hint}</p></div>`
}

interface Line {
  ok: boolean
  name: Html | string
  words: string
  fix?: string
}

const listOf = (lines: readonly Line[]): Html =>
  html`<ul class="checks">${lines.map(
    ({ ok, name, words, fix }) =>
      html`<li><span class="${ok ? 'yes' : 'no'}" aria-hidden="true">${ok ? '✓' : '✗'}</span><span><span class="unseen">${ok ? 'Good' : 'Not yet'}:</span> <strong>${name}</strong>: ${words}${
        fix ? html`<br>${fix}` : undefined
      }</span></li>`,
  )}</ul>`

const findingList = (findings: readonly Finding[]): Html =>
  listOf(
    findings.map(({ field, label, ok, words }) => ({
      ok,
      name: field === undefined ? label : html`<a href="#${field}">${label}</a>`,
      words,
    })),
  )

const checkList = (checks: readonly Check[]): Html =>
  listOf(checks.map(({ name, ok, detail, fix }) => ({ ok, name, words: detail, fix })))

export interface Reviewed {
  values: Values
  manifest: Record<string, unknown>
  permissions: readonly { name: string; level: string; why: string }[]
  address: string
}

export const reviewPage = ({ values, manifest, permissions, address }: Reviewed): Page => ({
  title: 'Review',
  body: html`${stepList('Review')}<h1>The bot asks GitHub for this</h1>
<p>The App <strong>${values.name}</strong> will belong to ${values.organization === '' ? 'your own account' : html`the organization <strong>${values.organization}</strong>`} on <strong>${new URL(address).host}</strong>. It is private: only its owner can install it. GitHub sends its webhooks to <code>${values.webhook}</code>.</p>
<section><h2>What the App may do</h2><dl>${permissions.map(
    ({ name, level, why }) => html`<dt><code>${name}: ${level}</code></dt><dd>${why}</dd>`,
  )}</dl><p class="hint">It never merges or approves.</p></section>
<section><h2>What PostHog gets</h2><p>For each run: the command, the title and description of the issue or pull request, comments of its author and of people with write permission, and attached files. PostHog’s agent reads the code with PostHog’s own GitHub App.</p></section>
<details><summary>The manifest, word for word</summary><pre tabindex="0" role="region" aria-label="Manifest">${JSON.stringify(manifest, null, 2)}</pre></details>
<form method="post" action="${address}"><input type="hidden" name="manifest" value="${JSON.stringify(manifest)}">
<div class="row"><button>Create it on GitHub</button><a class="button second" href="/set-up">Change something</a></div></form>`,
})

export interface Finished {
  name: string
  address: string
  posthog: string
  file: string
  /** Where editors find the schema of the settings. */
  schema: string | undefined
  checks: readonly Check[]
}

export function donePage({ name, address, posthog, file, schema, checks }: Finished): Page {
  const wrong = checks.filter(({ ok }) => !ok)
  const right = checks.filter(({ ok }) => ok)
  return {
    title: 'Done',
    body: html`${stepList('Done')}<h1>GitHub made the App ${name}</h1>
<p>Its keys are in <code>${file}</code>. Only your user may read this file.</p>
${wrong.length > 0 ? html`<section><h2>Not right yet</h2>${checkList(wrong)}</section>` : undefined}
<section><h2>Next</h2><ol>
<li><a href="${address}/installations/new" target="_blank" rel="noreferrer">Install ${name}</a> on your repositories.</li>
<li>Check that <a href="${posthog}/settings/project-integrations" target="_blank" rel="noreferrer">PostHog’s own GitHub App</a> has access to the same repositories.</li>
<li>Start the bot. Then write <code>/codex help</code> on an issue there.</li>${
      schema === undefined
        ? undefined
        : html`
<li>For hints in your editor, begin your <code>${settingsPath}</code> with <code>${editorLine(schema)}</code>.</li>`
    }</ol>
<form method="post" action="/set-up/start"><div class="row"><button>Start the bot</button><a class="button second" href="/set-up">Check again</a></div></form></section>
<section><h2>Checks</h2><p class="hint">${wrong.length === 0 ? 'All is well.' : 'These are right.'} <code>npm run doctor</code> shows all checks again.</p>${checkList(right)}</section>`,
  }
}

export const startedPage = (health: string): Page => ({
  title: 'Started',
  body: html`<h1>The bot starts</h1><p>This page is closed now. Write <code>/codex help</code> on an issue of a repository where the App is installed. <a href="${health}">${health}</a> shows when the bot is ready.</p>`,
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
dl { margin: .5rem 0 0 }
dt { margin: .75rem 0 0 }
dd { margin: .125rem 0 0 }
section ol { margin: .5rem 0 0; padding-left: 1.25rem }
section ol li { margin: .375rem 0 0 }
details { margin: 0 0 1.25rem }
summary { cursor: pointer; color: var(--accent) }
.box { display: flex; gap: .5rem; align-items: center; margin: 1.25rem 0 0 }
.box label { margin: 0 }
.box input { width: 1.25rem; min-height: 1.25rem; margin: 0 }
#connection { scroll-margin-top: 40vh }
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
