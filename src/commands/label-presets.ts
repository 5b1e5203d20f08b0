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
  const isName = (each: string): boolean => each.toLowerCase() === name.toLowerCase()
  const own = Object.entries(settings.labels).find(([each]) => isName(each))
  if (own) return chosen(own[1])
  const known = presets.find(isName)
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
