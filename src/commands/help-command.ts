import { usualTrigger } from '../core/settings/deployment-settings.ts'
import { command, type Reads } from './command.ts'

export const helpCommand = command({
  name: 'help',
  aliases: ['?', '？'],
  usage: '/codex help',
  example: '/codex help',
  about: 'Shows this list.',
  least: 'read',
  takes: 'nothing',
  options: false,
  repliesAtOnce: true,

  facts: async (reads: Pick<Reads, 'grammars' | 'trigger'>) => ({
    commands: reads.grammars,
    label: reads.trigger.labels[0] ?? usualTrigger.word,
  }),

  decide: (_, { commands, label }) => ({ kind: 'reply', reply: { kind: 'help', commands, label } }),
})
