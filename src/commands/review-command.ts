/** `review` has Codex review this pull request. */
import { command, reject } from './command.ts'
import {
  decideStart,
  forWords,
  type InlineFacts,
  type InlineReads,
  inlineAndStart,
} from './start-decision.ts'

const wanted = forWords('review')

export const reviewCommand = command({
  name: 'review',
  usage: '/codex review [options] [focus]',
  example: '/codex review the locking',
  about: 'Reviews this pull request. Each finding stands on its line.',
  least: 'write',
  takes: 'text',
  options: true,
  starts: true,

  async facts(reads: InlineReads, request): Promise<Partial<InlineFacts>> {
    if (request.trigger.thread.kind === 'issue') return {}
    return inlineAndStart(reads, request, wanted(request))
  },

  decide: (request, { inline, start }) =>
    start
      ? decideStart(request, wanted(request, inline), start)
      : reject({ kind: 'nothing-to', command: 'review' }),
})
