/** The form of the set-up page: its fields, what they take, and what PostHog's checks mean for them. */
import type { Check, CheckName } from '../../core/model/check.ts'
import { webhookPath } from '../http-server.ts'

/** The page shows them in this order. */
export const ofPostHog = ['posthogHost', 'posthogKey', 'posthogProject'] as const
export const ofGitHub = ['name', 'organization', 'enterprise', 'webhook'] as const
export const fields = [...ofPostHog, ...ofGitHub, 'teams'] as const
export type Field = (typeof fields)[number]

/** `teams` is `yes` or empty, as a box of a form is. Without a `webhook`, the bot reads GitHub's log of deliveries. */
export type Values = Record<Field, string>
export type Problems = Partial<Values>

type FieldRule = readonly [
  isRight: RegExp | ((text: string, values: Values) => boolean),
  otherwise: string,
]

interface FieldInfo {
  label: string
  more?: string
  hint: string
  type?: 'password' | 'url' | 'numeric'
  /** The value in an empty form. */
  usual?: string
  rules: readonly FieldRule[]
}

const isWebAddress = (text: string) =>
  URL.canParse(text) && /^https?:$/.test(new URL(text).protocol) && !/[\s"'`\\$#]/.test(text)

const privateAddress =
  /^(?:127\.|10\.|192\.168\.|169\.254\.|172\.(?:1[6-9]|2\d|3[01])\.|0\.0\.0\.0$|\[(?:::1?|f[cde]))/i

const isPrivate = (host: string) =>
  host === 'localhost' ||
  host.endsWith('.localhost') ||
  host.endsWith('.local') ||
  privateAddress.test(host)

/** A GitHub Enterprise Server that runs here reaches what is only for this machine, too. */
const isReached = (address: string, { enterprise }: Values) =>
  isPrivate(enterprise.replace(/:\d+$/, '')) || !isPrivate(new URL(address).hostname)

const addressRule = 'Give an address that begins with https://.'

export const form: Readonly<Record<Field, FieldInfo>> = {
  posthogHost: {
    label: 'Address of PostHog',
    hint: 'https://us.posthog.com, https://eu.posthog.com or your own.',
    type: 'url',
    rules: [[isWebAddress, addressRule]],
  },
  posthogKey: {
    label: 'Personal API key',
    hint: 'With the scopes task:write and integration:read.',
    type: 'password',
    rules: [
      [/./, 'Give a personal API key.'],
      [/^(?!ph[cs]_)/, 'This is a project key. Give a personal API key (phx_…).'],
      [/^[^\s"'`\\$#]*$/, 'A key has no spaces or quotes.'],
    ],
  },
  posthogProject: {
    label: 'Number of the project',
    hint: 'It is in the address of the project: /project/12345. You can paste that address.',
    type: 'numeric',
    rules: [[/^[1-9]\d{0,14}$/, 'Give the number in the address of your PostHog project.']],
  },
  name: {
    label: 'Name of the App',
    hint: 'It must be new on GitHub. People see it as the author of the bot’s comments.',
    usual: 'codex-task-bot',
    rules: [
      [/./, 'Give the App a name.'],
      [/^.{0,34}$/, 'GitHub allows at most 34 characters.'],
      [/^[A-Za-z0-9][A-Za-z0-9 ._-]*$/, 'Use letters, digits, spaces, dots and hyphens.'],
    ],
  },
  organization: {
    label: 'Organization',
    more: '(empty for your own account)',
    hint: 'The App will belong to it. You must be one of its owners.',
    rules: [[/^(?:[A-Za-z0-9][A-Za-z0-9-]{0,38})?$/, 'This is not the name of an organization.']],
  },
  enterprise: {
    label: 'Host of your Enterprise Server',
    more: '(empty for github.com)',
    hint: 'For example github.example.com.',
    rules: [
      [
        /^(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?(?::\d{1,5})?)?$/,
        'Give only the host name, for example github.example.com.',
      ],
    ],
  },
  webhook: {
    label: 'Webhook address',
    more: '(empty if there is none)',
    hint: 'Where GitHub reaches this bot from outside, for example https://codex.example.com.',
    type: 'url',
    rules: [
      [text => text === '' || isWebAddress(text), addressRule],
      [
        (text, values) => text === '' || isReached(text, values),
        'GitHub can’t reach this address: it is only for this machine or this network. Leave it empty.',
      ],
    ],
  },
  teams: {
    label: 'Let settings name teams',
    hint: 'Asks GitHub for the permission “members: read”. You need it only if your settings name teams.',
    rules: [],
  },
}

/** What each field is, after `of` it. */
export const valuesOf = (of: (field: Field) => string): Values =>
  Object.fromEntries(fields.map(field => [field, of(field)])) as Values

/** The address of a project, as a browser shows it. */
const projectAddress = /^(https?:\/\/[^/]+)\/project\/(\d+)(?:[/?#].*)?$/i

/** An account, as a comment mentions it or a browser shows it. */
const accountAddress = /^(?:@|https?:\/\/[^/]+\/(?:orgs\/|organizations\/)?)([^/?#]+).*$/i

export function readForm(given: Values): { values: Values; problems: Problems } {
  const url = URL.canParse(given.webhook) ? new URL(given.webhook) : undefined
  const webhook = url?.pathname === '/' ? new URL(webhookPath, url).href : given.webhook
  const [, posthogHost = given.posthogHost, posthogProject = given.posthogProject] =
    projectAddress.exec(given.posthogProject) ?? []
  const organization = given.organization.replace(accountAddress, '$1')
  const enterprise = given.enterprise.replace(/^https?:\/\/|\/+$/gi, '')
  const values = { ...given, webhook, posthogHost, posthogProject, organization, enterprise }
  const problems: Problems = {}
  for (const field of fields) {
    const broken = form[field].rules.find(([isRight]) =>
      typeof isRight === 'function'
        ? !isRight(values[field], values)
        : !isRight.test(values[field]),
    )
    if (broken) problems[field] = broken[1]
  }
  return { values, problems }
}

/** What PostHog’s checks mean, in the words of the form. */
const meanings: Partial<Record<CheckName, readonly [Field, string]>> = {
  'posthog-host': ['posthogHost', 'What answers at this address is not PostHog.'],
  'posthog-key': [
    'posthogKey',
    'PostHog does not accept this key. Make a personal API key (phx_…) at this address of PostHog.',
  ],
  'posthog-scope': ['posthogKey', 'This key has no scope task:write. Add the scope in PostHog.'],
  'posthog-project': [
    'posthogProject',
    'The key has no access to this project, or Tasks are turned off there.',
  ],
}

/** What has to be changed in the form; the last page shows the rest. */
export function problemsIn(checks: readonly Check[]): Problems {
  const problems: Problems = {}
  for (const { name, ok, outage } of checks) {
    const [field, problem] = meanings[name] ?? []
    if (outage) problems.posthogHost = 'PostHog does not answer at this address.'
    else if (field && !ok) problems[field] ??= problem
  }
  return problems
}
