/**
 * An issue and its pull request are two threads with one work: a Run of the one is found in the other as well. Asks
 * only the queue.
 */
import { type Thread, threadSlot } from '../core/model/thread.ts'
import { isAtWork, readMessages } from '../core/run/messages.ts'
import type { Run } from '../core/run/run.ts'
import { ofPull } from '../core/run/run-index.ts'
import { type CommandContext, liveRun } from './command-context.ts'
import { lastKept } from './thread-history.ts'

export async function runBeside(context: CommandContext): Promise<Run | undefined> {
  const { thread } = context.record.trigger
  const beside = await (thread.kind === 'pull' ? ofItsIssue(context, thread) : ofItsPull(context, thread))
  return beside && isAtWork(beside) ? beside : undefined
}

async function ofItsIssue({ deps: { runs } }: CommandContext, thread: Thread): Promise<Run | undefined> {
  const holders = await runs.listed([ofPull(thread, thread.number)])
  const newest = holders
    .filter(({ standing, data }) => standing === 'live' && threadSlot(data.thread) !== threadSlot(thread))
    .toSorted((a, b) => a.addedAt - b.addedAt)
    .at(-1)
  return newest && readMessages(newest.data, await runs.inbox(newest.id))
}

async function ofItsPull(context: CommandContext, { repoId }: Thread): Promise<Run | undefined> {
  const pull = (await lastKept(context))?.result.pulls.at(-1)
  return pull && (await liveRun(context, threadSlot({ repoId, number: pull.number })))?.data
}
