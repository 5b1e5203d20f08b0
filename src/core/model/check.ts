/** One thing that has to be right before the first user comes, as `npm run doctor` prints it. Its names are a contract. */
export interface Check {
  name: CheckName
  ok: boolean
  /** What was found, in one line. */
  detail: string
  /** What to do about it; empty when all is well. */
  fix: string
}

export type CheckName =
  | 'configuration'
  | 'github-app'
  | 'github-permissions'
  | 'github-events'
  | 'github-installations'
  | 'webhook-address'
  | 'webhook-deliveries'
  | 'clock'
  | 'posthog-key'
  | 'posthog-scope'
  | 'posthog-project'
  | 'posthog-model'
  | 'posthog-github'
  | 'repositories'
  | 'repository-settings'
  | 'queue'

export const passed = (name: CheckName, detail: string): Check => ({ name, ok: true, detail, fix: '' })

export const found = (name: CheckName, detail: string, fix: string): Check => ({
  name,
  ok: false,
  detail,
  fix,
})
