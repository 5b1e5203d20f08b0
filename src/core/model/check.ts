/** One check of the bot's setup: how it came out, what would mend it, and its line of text. */
export interface Check {
  name: CheckName
  ok: boolean
  detail: string
  fix: string
  outage?: true
  /** Nothing is wrong, and nothing has shown that it is right. */
  unsure?: true
  owner?: string
}

export const asPrinted = ({ name, ok, detail, fix }: Check): Check => ({ name, ok, detail, fix })

export type CheckName =
  | ('configuration' | 'env-file' | 'settings-file' | 'queue' | 'process')
  | `github-${'app' | 'permissions' | 'events' | 'installations' | 'user-token'}`
  | `webhook-${'address' | 'deliveries' | 'secret'}`
  | `posthog-${'host' | 'key' | 'scope' | 'project' | 'model' | 'github'}`
  | `${'owner' | 'repository'}-settings`

/** Without these, the bot can do nothing. */
export const indispensable: ReadonlySet<CheckName> = new Set([
  'github-app',
  'posthog-host',
  'posthog-key',
  'posthog-project',
  'posthog-scope',
  'posthog-model',
])

export const passedCheck = (name: CheckName, detail: string): Check => ({
  name,
  ok: true,
  detail,
  fix: '',
})

export const unsureCheck = (name: CheckName, detail: string): Check => ({
  ...passedCheck(name, detail),
  unsure: true,
})

export const failedCheck = (name: CheckName, detail: string, fix: string): Check => ({
  name,
  ok: false,
  detail,
  fix,
})

export const unansweredCheck = (name: CheckName, detail: string, fix: string): Check => ({
  ...failedCheck(name, detail, fix),
  outage: true,
})

/** The first of what may be wrong that is so; else that all is well. */
export function judged(
  name: CheckName,
  faults: readonly [isSo: boolean, detail: string, fix: string][],
  well: string,
): Check {
  const [wrong] = faults.filter(([isSo]) => isSo)
  return wrong ? failedCheck(name, wrong[1], wrong[2]) : passedCheck(name, well)
}

export const redactedCheck = (check: Check, redact: (text: string) => string): Check => ({
  ...check,
  detail: redact(check.detail),
})

export const checkSign = ({ ok, unsure }: Pick<Check, 'ok' | 'unsure'>): string => {
  if (!ok) return '✗'
  return unsure ? '?' : '✓'
}

export const lineOf = ({ name, detail, fix, ...how }: Check): string =>
  `${checkSign(how)} ${name}: ${detail}${fix === '' ? '' : ` → ${fix}`}`

/** Sums up checks in a sentence. */
export function sumOf(all: readonly Check[]): string {
  const some = (those: readonly Check[]) =>
    `${those.length} of ${all.length} ${those.length === 1 ? 'is' : 'are'}`
  const [wrong, unsure] = [all.filter(({ ok }) => !ok), all.filter(check => check.unsure)]
  if (wrong.length > 0) return `${some(wrong)} wrong.`
  return unsure.length === 0 ? 'All is well.' : `Nothing is wrong. ${some(unsure)} not known.`
}
