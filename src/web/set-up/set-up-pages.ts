import type { Check } from '../../core/model/check.ts'
import { type Html, html } from './html.ts'
import type { Field, Problems, Values } from './posthog-form.ts'
import { style } from './style.ts'

const steps = ['Details', 'Review', 'Create on GitHub', 'Done'] as const
type Step = (typeof steps)[number]

export interface Page {
  title: string
  body: Html
}

export const documentOf = ({ title, body }: Page, nonce: string): string =>
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
