import { holds, isNewer, type Pause, pauseOfRepository } from '../core/model/pause.ts'
import { command, type Reads, type Request, reject } from './command.ts'

export const pauseCommand = command({
  name: 'pause',
  usage: '/codex pause [reason]',
  example: '/codex pause release',
  about:
    'Nothing new starts in this repository until `/codex resume`. Requests made meanwhile are kept and start automatically. Runs at work go on.',
  least: 'maintain',
  takes: 'text',
  options: false,
  repliesAtOnce: true,

  facts: async (reads: Pick<Reads, 'now' | 'pause'>) => ({ now: reads.now, before: await reads.pause() }),

  decide(request, { now, before }) {
    const pause = said(request, true)
    if (before && isNewer(before, pause)) return reject(since(before))
    const replaced = before && before.id !== pause.id && holds(before, now) ? before : undefined
    return { kind: 'pause', pause, reply: { kind: 'paused', pause, replaced, now } }
  },
})

export const said = ({ trigger, command, text }: Request, paused: boolean): Pause => ({
  paused,
  ...pauseOfRepository(trigger.thread.repoId),
  id: `${trigger.id}-${command}`,
  at: trigger.at,
  // An edit is as old as itself, and the comment's number as old as the comment.
  place:
    trigger.kind === 'comment' && trigger.commentRef.kind === 'thread' && trigger.before === undefined
      ? { comment: trigger.commentRef.commentId, command }
      : undefined,
  by: trigger.sender.login,
  why: text,
})

export const since = ({ by, paused }: Pause) => ({ kind: 'said-since' as const, by, paused })
