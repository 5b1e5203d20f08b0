import { fixInstruction, namesNothing } from '../core/agent/pull-needs.ts'
import { instruction } from '../core/model/command-grammar.ts'
import type { InlineComment } from '../core/model/trigger.ts'
import { command, type Reads, type Request } from './command.ts'
import { decideStart, type StartFacts, type StartReads, startFacts, type Wanted } from './start-decision.ts'

const wanted = ({ text, options }: Request, inline?: InlineComment[]): Wanted => ({
  what: 'work',
  text,
  options,
  mayJoin: true,
  inline,
})

interface Facts {
  inline?: InlineComment[]
  start: StartFacts
  /** What is asked in the place of words that name nothing. */
  text?: string
}

export const runCommand = command({
  name: instruction,
  usage: '/codex [options] <instruction>',
  example: '/codex fix the flaky login test',
  about:
    'Does what you ask on the branch of this issue or pull request. Without an instruction, Codex does what the issue says. While a run works, your words are added to it. `/codex fix` on a pull request: its failed checks, conflicts, requested changes.',
  least: 'write',
  takes: 'text',
  options: true,
  starts: true,

  async facts(reads: StartReads & Pick<Reads, 'inline' | 'needs'>, request): Promise<Facts> {
    const [inline, start] = await Promise.all([reads.inline(), startFacts(reads, request, wanted(request))])
    const pull = namesNothing(request.text) && !inline ? pullOf(request, start) : undefined
    const needs = pull === undefined ? undefined : await reads.needs(pull)
    return { inline, start, text: needs && fixInstruction(needs) }
  },

  decide: (request, { inline, start, text = request.text }) =>
    decideStart(request, wanted({ ...request, text }, inline), start),
})

/** The pull request that the thread is, or that its last run made. */
function pullOf({ trigger: { thread } }: Request, start: StartFacts): number | undefined {
  if (thread.kind === 'pull') return thread.number
  const pulls =
    start.kind === 'busy' ? start.live.result.pulls : start.kind === 'free' ? [start.past?.pull] : []
  return pulls.findLast(pull => pull?.state === 'open')?.number
}
