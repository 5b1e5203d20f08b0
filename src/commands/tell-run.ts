/** Tells a live Run something, and waits until it has dealt with it. */
import type { NewMessage } from './command.ts'
import { type CommandContext, type CommandResult, commandId, refused } from './command-context.ts'
import type { TriggerRecord } from './trigger-record.ts'

/** Written down before: whoever comes back says the same, which counts once. */
export async function sendMessage(
  context: CommandContext,
  runId: string,
  said: NewMessage,
): Promise<CommandResult> {
  const { trigger } = context.record
  const id = commandId(context)
  const message = JSON.stringify({ ...said, id: id, by: trigger.sender, at: trigger.at })
  await context.save({
    ...context.record,
    pendingMessage: { runId, messageId: id, message, sent: false },
  })
  return sendPending(context)
}

async function sendPending(context: CommandContext): Promise<CommandResult> {
  const { pendingMessage } = context.record
  if (!pendingMessage) return { kind: 'wait', ms: 0 }
  const sent = await context.deps.runs.send(pendingMessage.runId, pendingMessage.message)
  context.deps.reached('message sent, not recorded')
  // The Run has ended meanwhile: the command starts over.
  await context.save({
    ...context.record,
    pendingMessage: sent ? { ...pendingMessage, sent } : undefined,
  })
  return sent ? { kind: 'message' } : { kind: 'wait', ms: 50 }
}

type Pending = NonNullable<TriggerRecord['pendingMessage']>

/** The Run has dealt with the message, or ended without doing so; then the command starts over. */
export async function afterMessage(
  context: CommandContext,
  { runId, messageId, sent }: Pending,
): Promise<CommandResult> {
  const kept = await context.deps.runs.get(runId)
  if (kept?.data.handledMessageIds.includes(messageId))
    return dealtWith(context, kept.data.droppedMessageIds.includes(messageId))
  if (kept?.standing === 'live' && !(kept.data.outcome && context.record.trigger.kind === 'label')) {
    if (!sent) return sendPending(context)
    await context.deps.runs.wake(runId)
    return { kind: 'wait', ms: 500 }
  }
  await context.save({ ...context.record, pendingMessage: undefined })
  return { kind: 'wait', ms: 0 }
}

/** The reaction says that it arrived, the status how many did, and the last word what came of it. */
function dealtWith(context: CommandContext, dropped: boolean): CommandResult {
  if (dropped && context.stopping) return refused({ kind: 'asked-since' })
  const isSaid = context.record.trigger.kind !== 'label' && !context.stopping
  return dropped && isSaid ? refused({ kind: 'not-passed-on' }) : { kind: 'silence' }
}
