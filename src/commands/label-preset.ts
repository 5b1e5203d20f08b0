/** What a label asks for: `codex` alone, or with a preset of the settings or one of ours, as in `codex:plan`. */
import { nearest } from '../core/command/near-miss.ts'
import { presets } from '../core/command/options.ts'
import type { LabelTrigger } from '../core/model/trigger.ts'
import type { What } from '../core/record/request-part.ts'
import type { PresetSettings, RepoSettings } from '../core/settings/repository-settings.ts'
import type { Reply } from '../core/words/replies.ts'
import type { CommandTrigger } from './command-context.ts'

interface Chosen {
  kind: 'chosen'
  preset: PresetSettings
  what: What
}

const chosen = (preset: PresetSettings, what: What = 'work'): Chosen => ({ kind: 'chosen', preset, what })

export const presetNameOf = ({ label, base = 'codex' }: LabelTrigger): string => label.slice(base.length + 1)

/** What is asked by a label. One that is not known is told by whoever starts work. */
export function wantedBy(trigger: LabelTrigger, settings: RepoSettings): What {
  const preset = presetOf(trigger, settings)
  return preset.kind === 'chosen' ? preset.what : 'work'
}

export function presetOf(trigger: CommandTrigger, settings: RepoSettings): Chosen | Reply {
  if (trigger.kind !== 'label') return chosen({})
  const name = presetNameOf(trigger)
  if (name === '') return chosen({})
  const isName = (each: string): boolean => each.toLowerCase() === name.toLowerCase()
  const { state: _, ...presetsHere } = settings.labels
  const own = Object.entries(presetsHere).find(([each]) => isName(each))
  if (own) return chosen(own[1], own[1].plan ? 'plan' : 'work')
  const known = presets.find(isName)
  if (known === 'ask' || known === 'plan' || known === 'review') return chosen({}, known)
  if (known) return chosen({ effort: known })
  const names = [...Object.keys(presetsHere), ...presets]
  return { kind: 'preset', given: name, meant: nearest(name.toLowerCase(), names), known: names }
}
