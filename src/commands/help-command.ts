/** `help` lists the commands, options and templates. */
import { usualTrigger } from '../core/settings/deployment-settings.ts'
import { replies } from '../core/words/replies.ts'
import { answerWith, command, type Reads } from './command.ts'

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

  facts: async (reads: Pick<Reads, 'usable' | 'trigger' | 'templates' | 'guide'>) => ({
    commands: await reads.usable(),
    templates: await reads.templates(),
    label: reads.trigger.labels[0] ?? usualTrigger.word,
    app: reads.trigger.app,
    guide: reads.guide,
  }),

  decide: (_, facts) => answerWith(replies.help(facts)),
})
