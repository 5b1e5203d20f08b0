import type { InlineComment } from '../core/model/trigger.ts'
import { command, type Reads, type Request, reject } from './command.ts'
import { decideStart, type StartReads, startFacts, type Wanted } from './start-decision.ts'

const wanted = ({ text, options }: Request, inline?: InlineComment[]): Wanted => ({
  what: 'work',
  text: text === '' ? 'Go on where you stopped.' : `Go on: ${text}`,
  options,
  mayJoin: true,
  inline,
})

export const continueCommand = command({
  name: 'continue',
  usage: '/codex continue [instruction]',
  example: '/codex continue with the tests',
  about: 'Continues the last run of this thread.',
  least: 'write',
  takes: 'text',
  options: true,
  starts: true,

  async facts(reads: StartReads & Pick<Reads, 'inline'>, request) {
    if (!(await reads.live()) && !(await reads.past())?.marker.task) return {}
    const [inline, start] = await Promise.all([reads.inline(), startFacts(reads, request, wanted(request))])
    return { inline, start }
  },

  decide: (request, { inline, start }) =>
    start
      ? decideStart(request, wanted(request, inline), start)
      : reject({ kind: 'nothing-to', command: 'continue' }),
})
