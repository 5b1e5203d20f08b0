import type { Grants } from './deployment-settings.ts'
import { ofDeployment } from './layers.ts'
import type { SettingsRead } from './repository-file.ts'
import type { RepoSettings } from './repository-settings.ts'

export type Origin =
  | { kind: 'default' }
  | { kind: 'deployment' }
  | { kind: 'owner' | 'repository'; line: number | undefined }

export interface HeldSetting {
  key: string
  value: unknown
  from: readonly Origin[]
}

type Path = readonly string[]

interface Layer {
  given: unknown
  originAt(path: Path): Origin
}

export interface OriginsOf {
  settings: RepoSettings
  grants: Grants
  files: Record<'owner' | 'repository', Pick<SettingsRead, 'given' | 'lineOf'>>
  usual: Pick<RepoSettings, 'model' | 'effort'>
}

export function heldSettings({ settings, grants, files, usual }: OriginsOf): HeldSetting[] {
  const fileLayer = (kind: 'owner' | 'repository'): Layer => ({
    given: files[kind].given,
    originAt: path => ({ kind, line: files[kind].lineOf(path) }),
  })
  const deployment: Layer = {
    given: { ...usual, ...ofDeployment(grants) },
    originAt: () => ({ kind: 'deployment' }),
  }
  const layers = [fileLayer('repository'), fileLayer('owner'), deployment]
  const whole = { ...settings, model: settings.model ?? usual.model, effort: settings.effort ?? usual.effort }
  return leavesOf(whole).map(({ path, value }) => held(path, value, layers))
}

function held(path: Path, value: unknown, layers: readonly Layer[]): HeldSetting {
  const saying = layers.filter(({ given }) => valueAt(given, path) !== undefined)
  const exactly = saying.find(({ given }) => isSame(valueAt(given, path), value))
  const from = (exactly ? [exactly] : saying).map(({ originAt }) => originAt(path))
  return { key: path.join('.'), value, from: from.length > 0 ? from : [{ kind: 'default' }] }
}

const isBranch = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

function leavesOf(value: unknown, path: Path = []): { path: Path; value: unknown }[] {
  if (isBranch(value)) return Object.entries(value).flatMap(([key, below]) => leavesOf(below, [...path, key]))
  return value === undefined ? [] : [{ path, value }]
}

const valueAt = (value: unknown, path: Path): unknown =>
  path.reduce((found, key) => (isBranch(found) && Object.hasOwn(found, key) ? found[key] : undefined), value)

const isSame = (one: unknown, other: unknown): boolean => JSON.stringify(one) === JSON.stringify(other)
