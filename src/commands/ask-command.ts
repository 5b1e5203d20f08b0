/** `ask` has Codex answer a question and change nothing. */
import type { InlineComment } from '../core/model/trigger.ts'
import { command, type Request, reject } from './command.ts'
import { decideStart, forWords, type InlineReads, inlineAndStart } from './start-decision.ts'

const wanted = forWords('ask')

export const askCommand = command({
  name: 'ask',
  usage: '/codex ask [options] <question>',
  example: '/codex ask why the login waits',
  about: 'Asks for an answer, and for no changes.',
  least: 'write',
  takes: 'text',
  options: true,
  starts: true,

  facts: (reads: InlineReads, request) => inlineAndStart(reads, request, wanted(request)),

  decide: (request, { inline, start }) =>
    hasQuestion(request, inline)
      ? decideStart(request, wanted(request, inline), start)
      : reject({ kind: 'nothing-to', command: 'ask' }),
})

/** A label asks what the thread itself says, a review what its comments on lines say, a reply what it replies to. */
const hasQuestion = ({ text, trigger }: Request, inline: InlineComment[] = []): boolean =>
  text !== '' ||
  trigger.kind === 'label' ||
  (trigger.kind === 'comment' && trigger.commentRef.kind === 'review' && inline.length > 0) ||
  inline.some(({ parent }) => parent !== undefined)
