/**
 * Checks the options of a run against the settings, the grants, and what PostHog and GitHub have.
 * It also says what a label asks for, and which options a session keeps.
 */
import type { SettingsNow } from '../access/read-settings.ts'
import { nearest } from '../core/command/near-miss.ts'
import { infoOf, notGranted, OfThread, type Options, presets } from '../core/command/options.ts'
import { isBranchName } from '../core/model/branch-name.ts'
import {
  effortsOf,
  effortsUpTo,
  notAbove,
  type ReasoningEffort,
} from '../core/model/codex-task-run-create.ts'
import type { LabelTrigger } from '../core/model/trigger.ts'
import {
  isModel,
  type KnownModel,
  type PricedModel,
  type SandboxView,
} from '../core/model/views.ts'
import { isReadOnly, RunOptions, type RunRequest, type What } from '../core/record/request-part.ts'
import type { Grants } from '../core/settings/deployment-settings.ts'
import { modelOf } from '../core/settings/layers.ts'
import type { RepoSettings } from '../core/settings/repository-settings.ts'
import { type Reads, type Rejected, reject } from './command.ts'
import type { CommandTrigger } from './command-context.ts'

interface KnownChoices {
  /** PostHog is asked for them if the model or an effort matters. It is empty if PostHog does not say. */
  models: readonly KnownModel[]
  branch: boolean
  /** `true` for one that is kept from before: its end is told when it is needed. */
  base: boolean
  sandboxes: readonly SandboxView[]
}

/** The settings that hold, and what is known of the options that were asked for. */
export interface SettingsToStart extends Omit<SettingsNow, 'files'> {
  usual: Reads['usual']
  known: KnownChoices
}

export type SettingsReads = Pick<Reads, 'models' | 'branch' | 'sandboxes' | 'usual'>

/** @param written the base that was asked for now */
export async function settingsFor(
  reads: SettingsReads,
  held: SettingsNow,
  { model, effort, branch, sandbox }: Options,
  { base }: Pick<Options, 'base'>,
): Promise<SettingsToStart> {
  const { settings, grants } = held
  const { usual } = reads
  const wantsSandbox = (sandbox ?? settings.sandbox) !== undefined && grants.sandboxes.length > 0
  const anyEffort = effort ?? settings.effort ?? settings.limits.max_effort ?? usual.effort
  const isThere = async (name: string | undefined) =>
    name !== undefined && isBranchName(name) && (await reads.branch(name)) !== undefined
  const [models, hasBranch, hasBase, sandboxes] = await Promise.all([
    model === undefined && anyEffort === undefined ? [] : reads.models(),
    isThere(branch),
    base === undefined || isThere(base),
    wantsSandbox ? reads.sandboxes() : [],
  ])
  return { ...held, usual, known: { models, branch: hasBranch, base: hasBase, sandboxes } }
}

interface OptionsToCheck extends Pick<SettingsToStart, 'settings' | 'grants' | 'usual' | 'known'> {
  options: Options
  what: RunRequest['what']
  owner: number
}

export type CheckedOptions = ReturnType<typeof checkOptions>

/** The options of the Run, unless they are refused. */
export function checkOptions(asked: OptionsToCheck) {
  const { options, what, owner, settings, grants, usual, known } = asked
  const { mode } = settings
  const model = options.model ?? modelOf(settings, usual.model)
  const wished = options.sandbox ?? settings.sandbox
  const lacks = notGranted({ ...options, sandbox: wished }, grants.granted)
  const grant = lacks && infoOf(lacks).grant
  const sandbox = sandboxOf(wished, { grants, known: known.sandboxes })
  const effort =
    options.effort ?? usualEffort(settings, usual.effort, { model, models: known.models })
  const refused: Rejected | undefined =
    (isReadOnly(what) && mode === 'interactive' ? reject('planInteractive') : undefined) ??
    checkOffered(
      'model',
      options.model,
      settings.models && offered(settings.models, known.models),
    ) ??
    checkOffered(
      'effort',
      options.effort,
      effortsUpTo(settings.limits.max_effort).map(name => ({ name })),
    ) ??
    checkModel(options.model, known.models) ??
    checkEffort(options.effort, model, known.models) ??
    checkBranch(options.branch, known.branch) ??
    checkBranch(options.base, known.base) ??
    (grant && reject('notGranted', grant, owner)) ??
    // Needs the grant of the deployment and of the repository.
    (options.authorship === 'user' && !settings.as_user ? reject('notAsUser') : undefined) ??
    refusalIn(sandbox) ??
    refusalIn(effort)
  const permission = isReadOnly(what) ? 'read-only' : settings.permission
  const chosen = { sandbox: choiceIn(sandbox), effort: choiceIn(effort) }
  return { refused, options: RunOptions.parse({ ...options, model, mode, permission, ...chosen }) }
}

const refusalIn = (found: string | Rejected | undefined): Rejected | undefined =>
  typeof found === 'object' ? found : undefined
const choiceIn = (found: string | Rejected | undefined) =>
  typeof found === 'object' ? undefined : found

/** The models and their prices, as far as PostHog says them. */
export const offered = (
  names: readonly string[] | undefined,
  models: readonly KnownModel[],
): readonly PricedModel[] =>
  names?.map(name => ({ name, costFactor: models.find(isModel(name))?.costFactor })) ?? models

const checkOffered = (
  what: 'model' | 'effort',
  given: string | undefined,
  known: readonly PricedModel[] | undefined,
): Rejected | undefined =>
  given === undefined || known === undefined || known.some(({ name }) => name === given)
    ? undefined
    : reject('notOffered', what, given, known)

const effortsOfModel = (model: string, models: readonly KnownModel[]): readonly ReasoningEffort[] =>
  models.find(isModel(model))?.efforts ?? effortsOf(model)

/** What PostHog's Codex works at when it is told nothing. */
const unstated: ReasoningEffort = 'medium'

/**
 * The wished effort, or the next below it that is allowed and that the model takes. Without a wish none is sent, unless
 * PostHog's own might be more than is allowed: a ceiling is nobody's default.
 */
export function usualEffort(
  settings: RepoSettings,
  usual: ReasoningEffort | undefined,
  { model, models }: { model: string; models: readonly KnownModel[] },
): ReasoningEffort | Rejected | undefined {
  const wished = settings.effort ?? usual
  const known = effortsOfModel(model, models)
  const most = settings.limits.max_effort
  const allowed = known.filter(effort => effortsUpTo(most).includes(effort))
  if (wished === undefined && allowed.length === known.length) return undefined
  return notAbove(wished ?? unstated, allowed) ?? (most && reject('effort', most, model, known))
}

function checkModel(model: string | undefined, known: readonly KnownModel[]): Rejected | undefined {
  if (model === undefined || known.length === 0 || known.some(isModel(model))) return undefined
  const names = known.map(({ name }) => name)
  return reject('model', model, nearest(model.toLowerCase(), names), known)
}

function checkEffort(
  effort: ReasoningEffort | undefined,
  model: string,
  models: readonly KnownModel[],
): Rejected | undefined {
  const known = effortsOfModel(model, models)
  return effort === undefined || known.includes(effort)
    ? undefined
    : reject('effort', effort, model, known)
}

const checkBranch = (branch: string | undefined, isThere: boolean): Rejected | undefined =>
  branch === undefined || isThere ? undefined : reject('noBranch', branch)

const isSandbox =
  (wanted: string) =>
  ({ id, name }: SandboxView) =>
    id === wanted.toLowerCase() || name.toLowerCase() === wanted.toLowerCase()

function sandboxOf(
  wanted: string | undefined,
  { grants: { sandboxes }, known }: { grants: Grants; known: readonly SandboxView[] },
): string | Rejected | undefined {
  if (wanted === undefined) return undefined
  // The key may not see all sandboxes, so an unlisted id may be right.
  const byId = sandboxes.find(
    granted => uuid.test(granted) && granted.toLowerCase() === wanted.toLowerCase(),
  )
  const granted = known.filter(view => sandboxes.some(name => isSandbox(name)(view)))
  const found = granted.find(isSandbox(wanted))?.id ?? byId?.toLowerCase()
  if (found !== undefined) return found
  const names = granted.map(({ name }) => name)
  return reject('sandbox', wanted, nearest(wanted.toLowerCase(), names), names)
}

const uuid = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

/** A session keeps its options unless new ones are given; its effort gives way to a new model. */
export function withKept(before: RunOptions, now: Options): Options {
  const { effort, ...kept } = OfThread.parse(before)
  const isSame = now.model === undefined || isModel(now.model)({ name: before.model })
  return { ...kept, ...(isSame && effort ? { effort } : {}), ...now }
}

/** What a label asks for: `codex` alone, or with a preset of the settings or one of ours, as in `codex:plan`. */
export const presetNameOf = ({ label, base = 'codex' }: LabelTrigger): string =>
  label.slice(base.length + 1)

/** What is asked by a label. One that is not known is told by whoever starts work. */
export const wantedBy = (trigger: LabelTrigger, settings: RepoSettings): What =>
  presetOf(trigger, settings).what ?? 'work'

interface LabelPreset {
  options: Options
  instruction?: string | undefined
  what?: What
  /** Nobody knows it. */
  unknown?: Rejected
}

export function presetOf(trigger: CommandTrigger, settings: RepoSettings): LabelPreset {
  const given = trigger.kind === 'label' ? presetNameOf(trigger) : ''
  const name = given.toLowerCase()
  if (name === '') return { options: {} }
  const presetsHere = Object.entries(settings.labels).flatMap(([called, preset]) =>
    typeof preset === 'object' ? [{ called, preset }] : [],
  )
  const own = presetsHere.find(({ called }) => called.toLowerCase() === name)?.preset
  if (own) {
    const { plan, instruction, ...options } = own
    return { options, instruction, what: plan ? 'plan' : 'work' }
  }
  const known = presets.find(each => each === name)
  if (known === 'ask' || known === 'plan' || known === 'review') return { options: {}, what: known }
  if (known) return { options: { effort: known } }
  const names = [...presetsHere.map(({ called }) => called), ...presets]
  return { options: {}, unknown: reject('preset', given, nearest(name, names), names) }
}
