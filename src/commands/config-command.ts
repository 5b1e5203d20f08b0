/** `config` shows the settings of the repository, and where each comes from. */
import type { SettingsNow } from '../access/read-settings.ts'
import { usualTrigger } from '../core/settings/deployment-settings.ts'
import { type AppliedSetting, appliedSettings, modelOf } from '../core/settings/layers.ts'
import { counted } from '../core/text/phrases.ts'
import { replies } from '../core/words/replies.ts'
import { answerWith, command, type Reads } from './command.ts'
import { offered, usualEffort } from './run-options.ts'

export const configCommand = command({
  name: 'config',
  usage: '/codex config',
  example: '/codex config',
  about: 'Shows the settings of this repository and where each comes from.',
  least: 'write',
  takes: 'nothing',
  options: false,

  async facts(reads: Pick<Reads, 'settings' | 'usual' | 'trigger' | 'schemaAddress' | 'models'>) {
    const [now, schema, models] = await Promise.all([
      reads.settings(),
      reads.schemaAddress(),
      reads.models(),
    ])
    return { now, usual: reads.usual, trigger: reads.trigger, schema, models }
  },

  decide(_, { now, usual, trigger, schema, models }) {
    const { problem, usable, settings } = now
    const held = appliedHere({ now, usual, trigger })
    const may = offered(settings.models, models)
    return answerWith(replies.config({ held, models: may, problem, usable, schema }))
  },
})

type Holding = Pick<Reads, 'usual' | 'trigger'> & { now: SettingsNow }

/** Every setting of a repository, and where it comes from. */
function appliedHere({
  now: { settings, grants, files },
  usual,
  trigger,
}: Holding): AppliedSetting[] {
  const model = modelOf(settings, usual.model)
  const effort = usualEffort(settings, usual.effort, { model, models: [] })
  const holding = {
    ...settings,
    model,
    effort: typeof effort === 'object' ? undefined : effort,
    // A file can't grant what the deployment does not.
    as_user: settings.as_user && grants.granted.has('as_user'),
  }
  const { sandboxes, granted } = grants
  const from = [{ kind: 'deployment' as const }]
  const ofTrigger = (key: 'word' | 'labels'): AppliedSetting => {
    const isUsual = JSON.stringify(trigger[key]) === JSON.stringify(usualTrigger[key])
    return {
      key: `trigger.${key}`,
      value: trigger[key],
      from: isUsual ? [{ kind: 'default' }] : from,
    }
  }
  return [
    ...appliedSettings({ settings: holding, grants, files, usual }),
    // Their names are the owner's own; the thread may be public.
    ...[...granted]
      .filter(key => key !== 'as_user')
      .map(key => ({
        key,
        value: key === 'sandboxes' ? counted(sandboxes.length, 'name') : true,
        from,
      })),
    ofTrigger('word'),
    ofTrigger('labels'),
  ]
}
