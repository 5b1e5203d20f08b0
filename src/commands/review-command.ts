/** `review` has Codex review this pull request. */

import { reject } from './command.ts'
import { forWords } from './new-run.ts'

export const reviewCommand = forWords('review', {
  usage: '/codex review [options] [focus]',
  example: '/codex review the locking',
  about: 'Reviews this pull request. Each finding stands on its line.',
  refuses: ({ trigger }) =>
    trigger.thread.kind === 'issue' ? reject('nothingToReview') : undefined,
})
