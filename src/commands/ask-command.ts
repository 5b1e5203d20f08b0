/** `ask` has Codex answer a question and change nothing. */

import { reject } from './command.ts'
import { forWords } from './new-run.ts'

export const askCommand = forWords('ask', {
  usage: '/codex ask [options] <question>',
  example: '/codex ask why the login waits',
  about: 'Asks for an answer, and for no changes.',

  /** A label asks what the thread itself says, a review what its comments on lines say, a reply what it replies to. */
  refuses({ text, trigger }, inline = []) {
    const isReview = trigger.kind === 'comment' && trigger.commentRef.kind === 'review'
    const asks = text !== '' || trigger.kind === 'label' || (isReview && inline.length > 0)
    const isAbout = asks || inline.some(({ parent }) => parent !== undefined)
    return isAbout ? undefined : reject('noQuestion')
  },
})
