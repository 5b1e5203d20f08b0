import { type Grants, type TriggerWords, usualTrigger } from '../core/settings/deployment-settings.ts'
import { type HeldSetting, heldSettings } from '../core/settings/layers.ts'
import { command, type Reads } from './command.ts'

export const configCommand = command({
  name: 'config',
  usage: '/codex config',
  example: '/codex config',
  about: 'Shows the settings of this repository, and where each comes from.',
  least: 'write',
  takes: 'nothing',
  options: false,

  facts: async (reads: Pick<Reads, 'settings' | 'usual' | 'trigger'>) => ({
    now: await reads.settings(),
    usual: reads.usual,
    trigger: reads.trigger,
  }),

  decide(_, { now, usual, trigger }) {
    const { settings, grants, files, problem, usable } = now
    // A file can't grant what the deployment does not.
    const asGranted = { ...settings, as_user: settings.as_user && grants.granted.has('as_user') }
    const held = [
      ...heldSettings({ settings: asGranted, grants, files, usual }),
      ...granted(grants),
      ...called(trigger),
    ]
    return { kind: 'reply', reply: { kind: 'config', held, problem, usable } }
  },
})

const granted = ({ sandboxes, granted }: Grants): HeldSetting[] => {
  const from = [{ kind: 'deployment' as const }]
  return [
    ...(sandboxes.length > 0 ? [{ key: 'sandboxes', value: sandboxes, from }] : []),
    ...[...granted].filter(key => key !== 'as_user').map(key => ({ key, value: true, from })),
  ]
}

const called = ({ word, labels }: TriggerWords): HeldSetting[] => {
  const row = (key: string, value: unknown, usual: unknown): HeldSetting => ({
    key,
    value,
    from: [{ kind: JSON.stringify(value) === JSON.stringify(usual) ? 'default' : 'deployment' }],
  })
  return [row('trigger.word', word, usualTrigger.word), row('trigger.labels', labels, usualTrigger.labels)]
}
