/** `review` has Codex review this pull request. */
import type { InlineComment } from '../core/model/trigger.ts'
import { command, type Reads, type Request, reject } from './command.ts'
import { decideStart, type StartFacts, type StartReads, startFacts, type Wanted } from './start-decision.ts'

const wanted = ({ text, options }: Request, inline?: InlineComment[]): Wanted => ({
  what: 'review',
  text,
  options,
  mayJoin: false,
  inline,
})

interface Facts {
  inline?: InlineComment[]
  start?: StartFacts
}

export const reviewCommand = command({
  name: 'review',
  usage: '/codex review [options] [focus]',
  example: '/codex review the locking',
  about: 'Reviews this pull request. Each finding stands on its line.',
  least: 'write',
  takes: 'text',
  options: true,
  starts: true,

  async facts(reads: StartReads & Pick<Reads, 'inline'>, request): Promise<Facts> {
    if (request.trigger.thread.kind === 'issue') return {}
    const [inline, start] = await Promise.all([reads.inline(), startFacts(reads, request, wanted(request))])
    return { inline, start }
  },

  decide: (request, { inline, start }) =>
    start
      ? decideStart(request, wanted(request, inline), start)
      : reject({ kind: 'nothing-to', command: 'review' }),
})
