/** `continue` has Codex go on with the last run of the thread. */
import { command, reject, wants } from './command.ts'
import { inTheWay } from './join-or-wait.ts'
import { decideStart, type InlineFacts, type InlineReads, inlineAndStart } from './new-run.ts'

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
    if (!(await reads.live()) && !(await reads.conversation())?.marker.task) return {}
    return inlineAndStart(reads, request, wants(request))
  },

  decide(request, { inline, start }) {
    if (!start) return reject('nothingToContinue')
    const { trigger } = request
    // A ticked box is about the run of its own comment.
    if (trigger.kind === 'tick' && start.kind === 'busy') return inTheWay(start.live, 'continue')
    if (
      trigger.kind === 'tick' &&
      start.kind === 'free' &&
      start.conversation?.marker.run !== trigger.run
    )
      return reject('goneOn')
    // A plan that was not finished stays one: nobody has approved it.
    const last =
      start.kind === 'free' && !request.options.new ? start.conversation?.lastRun : undefined
    const outcome = last?.result.outcome?.kind
    if (last?.request.what === 'ask' && outcome === 'answer' && request.text === '' && !inline)
      return reject('questionAnswered')
    const what = last && outcome === 'unfinished' ? last.request.what : 'work'
    const text = request.text === '' ? 'Go on where you stopped.' : `Go on: ${request.text}`
    const typed = `continue ${request.text}`.trim()
    return decideStart(request, wants(request, { what, text, typed, inline }), start)
  },
})
