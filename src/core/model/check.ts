export interface Check {
  name: CheckName
  ok: boolean
  detail: string
  fix: string
  outage?: true
  owner?: string
}

export const asPrinted = ({ name, ok, detail, fix }: Check): Check => ({ name, ok, detail, fix })

export type CheckName =
  | 'configuration'
  | 'settings-file'
  | 'github-app'
  | 'github-permissions'
  | 'github-events'
  | 'github-installations'
  | 'webhook-address'
  | 'webhook-deliveries'
  | 'webhook-secret'
  | 'webhook-proxy'
  | 'clock'
  | 'posthog-key'
  | 'posthog-scope'
  | 'posthog-project'
  | 'posthog-model'
  | 'posthog-models'
  | 'posthog-sandboxes'
  | 'posthog-github'
  | 'repositories'
  | 'owner-settings'
  | 'repository-settings'
  | 'queue'
  | 'process'

export const passed = (name: CheckName, detail: string): Check => ({ name, ok: true, detail, fix: '' })

export const found = (name: CheckName, detail: string, fix: string): Check => ({
  name,
  ok: false,
  detail,
  fix,
})

export const unanswered = (name: CheckName, detail: string, fix: string): Check => ({
  ...found(name, detail, fix),
  outage: true,
})

export const redactedCheck = (check: Check, redact: (text: string) => string): Check => ({
  ...check,
  detail: redact(check.detail),
})

export const lineOf = ({ name, ok, detail, fix }: Check): string =>
  `${ok ? '✓' : '✗'} ${name}: ${detail}${fix === '' ? '' : ` → ${fix}`}`
