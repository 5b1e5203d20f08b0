import { instruction } from '../core/model/command-grammar.ts'
import type { InlineComment } from '../core/model/trigger.ts'
import { command, type Reads, type Request } from './command.ts'
import { decideStart, type StartReads, startFacts, type Wanted } from './start-decision.ts'

const wanted = ({ text, options }: Request, inline?: InlineComment[]): Wanted => ({
  what: 'work',
  text,
  options,
  mayJoin: true,
  inline,
})

export const runCommand = command({
  name: instruction,
  usage: '/codex [options] <instruction>',
  example: '/codex fix the flaky login test',
  about:
    'Does what you ask on the branch of this issue or pull request. Without an instruction, Codex does what the issue says. While a run works, your words are added to it.',
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
