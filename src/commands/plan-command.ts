/** `plan` has Codex write a numbered plan and change nothing. */
import { forWords } from './new-run.ts'

export const planCommand = forWords('plan', {
  usage: '/codex plan [options] <question>',
  example: '/codex plan how to split the billing module',
  about: 'Asks for a numbered plan, and for no changes.',
})
