import { Rejected } from '../../core/model/errors.ts'
import { reactions } from '../../core/model/views.ts'
import type { MessageReply } from '../../core/record/mailbox-part.ts'
import type { Marker } from '../../core/record/marker.ts'
import { replyComment } from '../../core/words/replies.ts'
import { ignoreRefusal, repliedWith } from './markers.ts'
import { once, type StepContext, skew, step } from './step-context.ts'

type MessageContext = StepContext<'ownComments' | 'comment' | 'react' | 'unreact'>

export const answerMessage = step('answer-message', {
  github: ['ownComments', 'comment', 'react', 'unreact'],
  writes: ['mailbox'],
  async do(context) {
    const [next] = context.run.mailbox.answers
    if (!next) return {}
    const { reply } = next
    if (reply) await say(context, next, reply)
    await reactTo(context, next)
    context.deps.reached('message answered, not recorded')
    return { mailbox: { answers: context.run.mailbox.answers.slice(1) } }
  },
})

async function say(
  context: MessageContext,
  { id, to, source }: MessageReply,
  reply: NonNullable<MessageReply['reply']>,
) {
  const { deps, github, run } = context
  const commentRef = source.target?.kind === 'subject' ? undefined : source.target
  const marker: Marker = {
    run: id,
    repo: run.thread.repoId,
    thread: run.thread.number,
    as: 'reply',
    to: to.id,
  }
  try {
    await once(context, {
      intent: { kind: 'answer-message', at: deps.now() },
      find: async ({ at }) => repliedWith(context, await github.ownComments(at - skew, commentRef), id)?.id,
      perform: () =>
        github.comment(`${replyComment(to.login, reply)}\n\n${deps.signer.write(marker)}`, commentRef),
    })
  } catch (error) {
    if (!(error instanceof Rejected) || error.of === 'read') throw error
    deps.log.warn({ err: error }, 'GitHub refused the answer to a message')
  }
}

async function reactTo(
  context: MessageContext,
  { source: { target, last }, reply }: MessageReply,
): Promise<void> {
  if (!target) return
  await context.job.assertLocked()
  await ignoreRefusal(context, context.github.react(target, reactions[reply ? 'refused' : 'done']))
  if (!last) return
  await context.job.assertLocked()
  await ignoreRefusal(context, context.github.unreact(target))
}
