/** The form of the set-up page: its fields, what they take, and what PostHog's checks mean in its words. */
import { isIP } from 'node:net'
import { z } from 'zod'
import type { Check, CheckName } from '../../core/model/check.ts'
import { begun } from '../../core/text/phrases.ts'

/** In the order of the page. */
export const fields = [
  'posthogHost',
  'posthogKey',
  'posthogProject',
  'name',
  'organization',
  'enterprise',
  'webhook',
  'teams',
] as const
export type Field = (typeof fields)[number]

/** `teams` is `yes` or empty, as a box of a form is. Without a `webhook`, the bot reads GitHub's log of deliveries. */
export type Values = Record<Field, string>

export const labels: Readonly<Record<Field, string>> = {
  name: 'Name of the App',
  organization: 'Organization',
  enterprise: 'Host of your Enterprise Server',
  webhook: 'Webhook address',
  teams: 'Let settings name teams',
  posthogHost: 'Address of PostHog',
  posthogKey: 'Personal API key',
  posthogProject: 'Number of the project',
}
export type Problems = Partial<Record<Field, string>>

const hostName = /^[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?(?::\d{1,5})?$/

const Form = z.object({
  name: z
    .string()
    .min(1, 'Give the App a name.')
    .max(34, 'GitHub allows at most 34 characters.')
    .regex(/^[A-Za-z0-9][A-Za-z0-9 ._-]*$/, 'Use letters, digits, spaces, dots and hyphens.'),
  organization: z
    .string()
    .regex(/^(?:[A-Za-z0-9][A-Za-z0-9-]{0,38})?$/, 'This is not the name of an organization.'),
  enterprise: z
    .string()
    .refine(
      host => host === '' || hostName.test(host),
      'Give only the host name, for example github.example.com.',
    ),
  webhook: z.string().superRefine((address, context) => {
    const problem = webhookProblem(address)
    if (problem) context.addIssue({ code: 'custom', message: problem })
  }),
  teams: z.string(),
  posthogHost: z.string().refine(isWebAddress, 'Give an address that begins with https://.'),
  posthogKey: z
    .string()
    .min(1, 'Give a personal API key.')
    .refine(key => !/^ph[cs]_/.test(key), 'This is a project key. Give a personal API key (phx_…).')
    .refine(key => !/[\s"'`\\$#]/.test(key), 'A key has no spaces or quotes.'),
  posthogProject: z
    .string()
    .regex(/^[1-9]\d{0,14}$/, 'Give the number in the address of your PostHog project.'),
}) satisfies z.ZodType<Values>

function isWebAddress(text: string): boolean {
  return URL.canParse(text) && /^https?:$/.test(new URL(text).protocol) && !/[\s"'`\\$#]/.test(text)
}

function webhookProblem(address: string): string | undefined {
  if (address === '') return undefined
  if (!isWebAddress(address)) return 'Give an address that begins with https://.'
  return isPrivate(new URL(address).hostname)
    ? 'GitHub can’t reach this address: it is only for this machine or this network. Leave it empty.'
    : undefined
}

const privateAddress =
  /^(?:127\.|10\.|192\.168\.|169\.254\.|172\.(?:1[6-9]|2\d|3[01])\.|0\.0\.0\.0$|\[(?:::1?|f[cde]))/i

const isPrivate = (host: string): boolean =>
  host === 'localhost' || host.endsWith('.localhost') || host.endsWith('.local') || privateAddress.test(host)

export type Read = { kind: 'good'; values: Values } | { kind: 'bad'; values: Values; problems: Problems }

/** @param local whether addresses of this machine will do, as GitHub Enterprise Server may run here */
export function readForm(given: Values, { local }: { local: boolean }): Read {
  const url = URL.canParse(given.webhook) ? new URL(given.webhook) : undefined
  const webhook = url?.pathname === '/' ? new URL('/api/github/webhooks', url).href : given.webhook
  const values = { ...given, webhook }
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

export const isLocalHost = (host: string): boolean => {
  const name = host.replace(/:\d+$/, '')
  return isPrivate(name) || (isIP(name) !== 0 && privateAddress.test(name))
}

/** What a check found, in the words of the form. */
export interface Finding {
  /** The field that has to be changed, if one has to. */
  field?: Field | undefined
  label: string
  ok: boolean
  words: string
}

interface InForm {
  field?: Field
  label?: string
  right: string
  wrong(check: Check): string
}

const ofPostHog: Partial<Record<CheckName, InForm>> = {
  'posthog-key': {
    field: 'posthogKey',
    right: 'PostHog accepts it.',
    wrong: () =>
      'PostHog does not accept this key. Make a personal API key (phx_…) at this address of PostHog.',
  },
  'posthog-scope': {
    field: 'posthogKey',
    right: 'It may start runs.',
    wrong: () => 'This key has no scope task:write. Add the scope in PostHog.',
  },
  'posthog-project': {
    field: 'posthogProject',
    right: 'The key has access to it.',
    wrong: () => 'The key has no access to this project, or Tasks are turned off there.',
  },
  'posthog-github': {
    label: 'PostHog’s GitHub App',
    right: 'It is connected to this project.',
    wrong: ({ detail, fix }) => `${begun(detail)}. ${fix}`,
  },
}

export function findingOf(check: Check): Finding {
  const { field, label, right, wrong } = ofPostHog[check.name] ?? {
    right: check.detail,
    wrong: ({ detail, fix }) => `${begun(detail)}. ${fix}`,
  }
  if (check.outage)
    return {
      field: 'posthogHost',
      label: labels.posthogHost,
      ok: false,
      words: 'PostHog does not answer at this address.',
    }
  const named = label ?? (field === undefined ? check.name : labels[field])
  return check.ok
    ? { label: named, ok: true, words: right }
    : { field, label: named, ok: false, words: wrong(check) }
}

/** What the form itself found wrong in these fields. */
export const findingsIn = (problems: Problems, of: readonly Field[]): Finding[] =>
  of.flatMap(field => {
    const words = problems[field]
    return words === undefined ? [] : [{ field, label: labels[field], ok: false, words }]
  })
