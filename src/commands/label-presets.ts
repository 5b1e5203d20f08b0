import { presets } from '../core/command/options.ts'
import { nearest } from '../core/command/parse.ts'
import type { Reply } from '../core/comments/replies.ts'
import type { LabelTrigger } from '../core/model/trigger.ts'
import type { PresetSettings, RepoSettings } from '../core/settings/repository-settings.ts'
import type { CommandTrigger } from './command-context.ts'
import type { Wanted } from './start-decision.ts'

interface Chosen {
  kind: 'chosen'
  preset: PresetSettings
}

const chosen = (preset: PresetSettings): Chosen => ({ kind: 'chosen', preset })

const nameOf = ({ label, base = 'codex' }: LabelTrigger): string => label.slice(base.length + 1)

export const isBare = (trigger: LabelTrigger): boolean => nameOf(trigger) === ''

export function presetOf(trigger: CommandTrigger, settings: RepoSettings): Chosen | Reply {
  if (trigger.kind !== 'label') return chosen({})
  const name = nameOf(trigger)
  if (name === '') return chosen({})
  if (Object.hasOwn(settings.labels, name)) return chosen(settings.labels[name] ?? {})
  const known = presets.find(preset => preset === name.toLowerCase())
  if (known === 'plan') return chosen({ plan: true })
  if (known) return chosen({ effort: known })
  const names = [...Object.keys(settings.labels), ...presets]
  return { kind: 'preset', given: name, meant: nearest(name.toLowerCase(), names), known: names }
}

export const withPreset = (
  wanted: Wanted,
  { plan, instruction = '', ...options }: PresetSettings,
): Wanted => ({
  ...wanted,
  what: plan ? 'plan' : wanted.what,
  text: wanted.text || instruction,
  options: { ...options, ...wanted.options },
})
