/**
 * Deployment ▸ owner ▸ repository: a lower layer fills in what those above leave open, chooses where they only propose,
 * and tightens. What is a ceiling in one layer, none below it can loosen. Pure.
 */
import { efforts, type ReasoningEffort } from '../agent/run-request.ts'
import { mayAct } from '../model/role.ts'
import type { Grants } from './deployment-settings.ts'
import type { Given, RepoSettings, SettingsFile } from './repository-settings.ts'

export interface Files {
  owner: Given
  repository: Given
}

export function settingsOfLayers(
  { complete }: Pick<SettingsFile, 'complete'>,
  grants: Grants,
  { owner, repository }: Files,
): RepoSettings {
  const above = ofDeployment(grants)
  // Its limits are no wishes, and no default is a reason to go beyond them: so they come last.
  const { limits, ...proposed } = withEfforts(above)
  const { instructions, ...rest } = [owner, repository].map(withEfforts).reduce(merged, proposed)
  const settings = complete(rest)
  const bound = limits ? complete(merged(settings, { limits })) : settings
  // Of all layers together they may be longer than those of one.
  return instructions === undefined ? bound : { ...bound, instructions }
}

export function ofDeployment({ defaults, models, ceilings }: Grants): Given {
  const limits = ceilings.map(each => ({ limits: each })).reduce<Given>(merged, {}).limits
  return { ...defaults, ...(models ? { models: [...models] } : {}), ...(limits ? { limits } : {}) }
}

/** The most effort is a list of those that are left, so that one rule holds for both. */
function withEfforts(given: Given): Given {
  const most = given.limits?.max_effort
  if (most === undefined) return given
  const left = efforts.slice(0, efforts.indexOf(most) + 1)
  return { ...given, efforts: narrowed(left, given.efforts) ?? left }
}

/** What holds of two layers, `undefined` where neither says anything. */
type Rule<Value> = (above: Value | undefined, below: Value | undefined) => Value | undefined
type Rules<Value> = { readonly [Key in keyof Value]-?: Rule<NonNullable<Value[Key]>> }

const nearest = <Value>(above: Value | undefined, below: Value | undefined): Value | undefined =>
  below ?? above

/** A no from above stays one. */
const permitted: Rule<boolean> = (above, below) => (above === false ? false : (below ?? above))

const joined: Rule<string> = (above, below) =>
  above === undefined || below === undefined ? (below ?? above) : `${above.trim()}\n\n${below.trim()}`

const lowest: Rule<number> = (above, below) =>
  above === undefined || below === undefined ? (below ?? above) : Math.min(above, below)

const lessEffort: Rule<ReasoningEffort> = (above, below) =>
  efforts.find(effort => effort === above || effort === below)

/** Those of the lower list that the upper one has: the upper one where that leaves none, as something must be allowed. */
function narrowed<Item>(above: Item[] | undefined, below: Item[] | undefined): Item[] | undefined {
  const left = shared(above, below)
  return left?.length === 0 ? above : left
}

function shared<Item>(above: Item[] | undefined, below: Item[] | undefined): Item[] | undefined {
  if (!above || !below) return below ?? above
  const known = new Set(above.map(nameOf))
  return below.filter(item => known.has(nameOf(item)))
}

const nameOf = (item: unknown): string => String(item).toLowerCase()

const lowerOverUpper = <Value>(
  above: Record<string, Value> | undefined,
  below: Record<string, Value> | undefined,
): Record<string, Value> | undefined => (above || below) && { ...above, ...below }

const strictest: Rule<NonNullable<Given['permissions']>> = (above = {}, below = {}) => {
  const stricter = Object.entries(below).filter(([name, role]) => {
    const least = above[name]
    return role !== undefined && (least === undefined || mayAct(role, least))
  })
  return { ...above, ...Object.fromEntries(stricter) }
}

const ruled =
  <Value extends object>(rules: Rules<Value>): Rule<Value> =>
  (above, below) => {
    const names = Object.keys(rules) as (keyof Value)[]
    const entries = names.flatMap(name => {
      const value = rules[name](above?.[name] ?? undefined, below?.[name] ?? undefined)
      return value === undefined ? [] : [[name, value]]
    })
    return entries.length === 0 ? undefined : (Object.fromEntries(entries) as Value)
  }

const rules: Rules<Given> = {
  branch: nearest,
  branch_prefix: nearest,
  model: nearest,
  effort: nearest,
  mode: nearest,
  permission: nearest,
  sandbox: nearest,
  as_user: permitted,
  attachments: nearest,
  instructions: joined,
  chatty: nearest,
  labels: lowerOverUpper,
  when: ruled<NonNullable<Given['when']>>({ closed: nearest, deleted: nearest, unlabeled: nearest }),
  pull_request: ruled<NonNullable<Given['pull_request']>>({ assign: nearest, review: nearest }),
  permissions: strictest,
  allow: ruled<NonNullable<Given['allow']>>({ users: shared, teams: shared, apps: shared }),
  models: narrowed,
  efforts: narrowed,
  head_moved: nearest,
  limits: ruled<NonNullable<Given['limits']>>({
    repository: lowest,
    person: lowest,
    owner: lowest,
    repository_per_day: lowest,
    person_per_day: lowest,
    owner_per_day: lowest,
    thread_per_day: lowest,
    bots_per_thread_per_day: lowest,
    repository_per_5_minutes: lowest,
    max_effort: lessEffort,
    when_reached: nearest,
  }),
}

const merged = (above: Given, below: Given): Given => ruled(rules)(above, below) ?? {}
