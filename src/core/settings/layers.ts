/** Merges deployment, owner and repository settings: a lower layer fills in, chooses and tightens. Pure. */
import type { Grants } from './deployment-settings.ts'
import { type GivenSettings, ofBoth, type RepoSettings } from './repository-settings.ts'
import { type SettingsFile, type SettingsRead, valueAt } from './settings-file.ts'

export function settingsOfLayers(
  { complete }: Pick<SettingsFile, 'complete'>,
  grants: Grants,
  { owner, repository }: Record<'owner' | 'repository', GivenSettings>,
): RepoSettings {
  const { limits = {}, ...defaults } = ofDeployment(grants)
  // Ceilings come last: no default may exceed them. Those of an owner are no ceilings, as nobody else sets them. Those
  // of a day hold where no file says less: our defaults for a day are for who has not chosen.
  const { owner: atOnce, owner_per_day, repository_per_day, cost_per_day } = limits
  const ofDay = { owner_per_day, repository_per_day, cost_per_day }
  const proposed = { ...defaults, limits: { owner: atOnce, ...ofDay } }
  const { instructions, ...rest } = [owner, repository].reduce(ofBoth, proposed)
  const settings = complete(rest)
  const bound = complete(ofBoth(settings, { limits }))
  // Merged instructions may be longer than those of one layer.
  return instructions === undefined ? bound : { ...bound, instructions }
}

function ofDeployment({ defaults, models, ceilings }: Grants): GivenSettings {
  return { ...defaults, models, limits: ceilings }
}

/** The model of a run that asks for none. */
export function modelOf(
  { model, models }: Pick<RepoSettings, 'model' | 'models'>,
  usual: string,
): string {
  const wished = model ?? usual
  return models === undefined || models.includes(wished) ? wished : (models[0] ?? wished)
}

export type Origin =
  | { kind: 'default' }
  | { kind: 'deployment' }
  | { kind: 'owner' | 'repository'; line: number | undefined }

export interface AppliedSetting {
  key: string
  value: unknown
  from: readonly Origin[]
}

type Path = readonly string[]

interface AppliedLayer {
  given: unknown
  originAt(path: Path): Origin
}

export interface OriginsOf {
  /** The settings, with the model and effort of a run that asks for none, and `as_user` as it is granted. */
  settings: RepoSettings
  grants: Grants
  files: Record<'owner' | 'repository', Pick<SettingsRead, 'given' | 'lineOf'>>
  usual: Pick<RepoSettings, 'model' | 'effort'>
}

export function appliedSettings({ settings, grants, files, usual }: OriginsOf): AppliedSetting[] {
  const fileLayer = (kind: 'owner' | 'repository'): AppliedLayer => ({
    given: files[kind].given,
    originAt: path => ({ kind, line: files[kind].lineOf(path) }),
  })
  const wantsUser = [files.owner, files.repository].some(({ given }) => given.as_user)
  const isDenied = wantsUser && !grants.granted.has('as_user')
  const deployment: AppliedLayer = {
    given: {
      ...usual,
      ...(isDenied ? { as_user: false } : {}),
      ...ofDeployment(grants),
    },
    originAt: () => ({ kind: 'deployment' }),
  }
  const layers = [fileLayer('repository'), fileLayer('owner'), deployment]
  return leavesOf(settings).map(({ path, value }) => {
    const saying = layers.filter(({ given }) => valueAt(given, path) !== undefined)
    const exactly = saying.find(
      ({ given }) => JSON.stringify(valueAt(given, path)) === JSON.stringify(value),
    )
    const list = chosenFrom.get(path.join('.'))
    const choosing = list ? layers.filter(({ given }) => valueAt(given, list) !== undefined) : []
    const from = exactly
      ? [exactly.originAt(path)]
      : [
          ...saying.map(each => each.originAt(path)),
          ...choosing.map(each => each.originAt(list ?? path)),
        ]
    const each = [...new Map(from.map(origin => [JSON.stringify(origin), origin])).values()]
    return { key: path.join('.'), value, from: each.length > 0 ? each : [{ kind: 'default' }] }
  })
}

/** What a value that nobody wished for was chosen from. */
const chosenFrom: ReadonlyMap<string, Path> = new Map([
  ['model', ['models']],
  ['effort', ['limits', 'max_effort']],
])

function leavesOf(value: unknown, path: Path = []): { path: Path; value: unknown }[] {
  if (typeof value === 'object' && value !== null && !Array.isArray(value))
    return Object.entries(value).flatMap(([key, below]) => leavesOf(below, [...path, key]))
  return value === undefined ? [] : [{ path, value }]
}
