/** `plan` has Codex write a numbered plan and change nothing. */
import type { InlineComment } from '../core/model/trigger.ts'
import { command, type Reads, type Request } from './command.ts'
import { decideStart, type StartReads, startFacts, type Wanted } from './start-decision.ts'

const wanted = ({ text, options }: Request, inline?: InlineComment[]): Wanted => ({
  what: 'plan',
  text,
  options,
  mayJoin: false,
  inline,
})

export const planCommand = command({
  name: 'plan',
  usage: '/codex plan [options] <question>',
  example: '/codex plan how to split the billing module',
  about: 'Asks for a numbered plan, and for no changes.',
  least: 'write',
  takes: 'text',
  options: true,
  starts: true,

  async facts(reads: StartReads & Pick<Reads, 'inline'>, request) {
    const [inline, start] = await Promise.all([reads.inline(), startFacts(reads, request, wanted(request))])
    return { inline, start }
  },

  decide: (request, { inline, start }) => decideStart(request, wanted(request, inline), start),
})
