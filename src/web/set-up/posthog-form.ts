import { isIP } from 'node:net'
import { z } from 'zod'

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
