/** `continue` has Codex go on with the last run of the thread. */
import type { InlineComment } from '../core/model/trigger.ts'
import { command, type Request, reject } from './command.ts'
import {
  decideStart,
  type InlineFacts,
  type InlineReads,
  inlineAndStart,
  inTheWay,
  type Wanted,
} from './start-decision.ts'

const wanted = ({ text, options }: Request, what: Wanted['what'], inline?: InlineComment[]): Wanted => ({
  what,
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

  async facts(reads: InlineReads, request): Promise<Partial<InlineFacts>> {
    if (!(await reads.live()) && !(await reads.past())?.marker.task) return {}
    return inlineAndStart(reads, request, wanted(request, 'work'))
  },

  decide(request, { inline, start }) {
    if (!start) return reject({ kind: 'nothing-to', command: 'continue' })
    const { trigger } = request
    // A ticked box is about the run of its own comment.
    if (trigger.kind === 'tick' && start.kind === 'busy') return inTheWay(start.live, 'continue')
    if (trigger.kind === 'tick' && start.kind === 'free' && start.past?.marker.run !== trigger.run)
      return reject({ kind: 'gone-on' })
    // A plan that was not finished stays one: nobody has approved it.
    const last = start.kind === 'free' ? start.last : undefined
    const outcome = last?.result?.outcome?.kind
    if (last?.request.what === 'ask' && outcome === 'answer' && request.text === '' && !inline)
      return reject({ kind: 'question-answered' })
    const what = last && outcome === 'unfinished' ? last.request.what : 'work'
    return decideStart(request, wanted(request, what, inline), start)
  },
})
