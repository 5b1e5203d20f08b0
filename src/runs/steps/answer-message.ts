/**
 * The step `answer-message` tells whoever sent a Run a message what became of it.
 * It leaves a reply or a reaction at the comment, and takes the message off those that are due.
 */
import { reactions } from '../../core/model/views.ts'
import type { Marker } from '../../core/record/marker.ts'
import { replyComment, replyToMessage } from '../../core/words/replies.ts'
import { saying } from '../../core/words/say.ts'
import { ignoreRefusal, once, step } from './step-context.ts'

export const answerMessage = step('answer-message', {
  github: ['comments.own', 'comments.post', 'thread.react', 'thread.settle'],
  writes: ['mailbox'],
  async do(context) {
    const { deps, github, job, run } = context
    const [next] = run.mailbox.answers
    if (!next) return {}
    const { id, to, reply, source } = next
    const { target, last } = source
    if (reply) {
      const { repoId, number } = run.thread
      const marker: Marker = { run: id, repo: repoId, thread: number, as: 'reply', to: to.id }
      const place = target?.kind === 'subject' ? undefined : target
      const answered = once(context, {
        intent: { kind: 'answer-message', at: deps.now() },
        ...saying(github, deps.signer, {
          marker,
          place,
          text: () => replyComment(to.login, replyToMessage(reply)),
        }),
      })
      await ignoreRefusal(context, answered, 'GitHub refused the answer to a message')
    }
    if (target) {
      const content = reactions[reply ? 'refused' : 'done']
      await job.assertLocked()
      const reacted = last
        ? github.thread.settle({ reaction: { target, content } })
        : github.thread.react(target, content)
      await ignoreRefusal(context, reacted)
    }
    return { mailbox: { answers: context.run.mailbox.answers.slice(1) } }
  },
})
