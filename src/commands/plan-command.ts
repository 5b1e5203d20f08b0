/** `plan` has Codex write a numbered plan and change nothing. */
import { command } from './command.ts'
import { decideStart, forWords, type InlineReads, inlineAndStart } from './start-decision.ts'

const wanted = forWords('plan')

export const planCommand = command({
  name: 'plan',
  usage: '/codex plan [options] <question>',
  example: '/codex plan how to split the billing module',
  about: 'Asks for a numbered plan, and for no changes.',
  least: 'write',
  takes: 'text',
  options: true,
  starts: true,

  facts: (reads: InlineReads, request) => inlineAndStart(reads, request, wanted(request)),

  decide: (request, { inline, start }) => decideStart(request, wanted(request, inline), start),
})
