import { parseMessage, send } from '../core/run/messages.ts'
import { RunMessage, type Source } from '../core/run/record/mailbox-part.ts'
import type { Decision } from './command.ts'
import { type CommandContext, type CommandResult, commandId, replied, targetOf } from './command-context.ts'
import { awaitEyes } from './eyes.ts'

export async function tellRun(
  context: CommandContext,
  { runId, message: said, beside }: Decision & { kind: 'message' },
): Promise<CommandResult> {
  const { trigger } = context.record
  const message = RunMessage.parse({
    ...said,
    id: commandId(context),
    by: trigger.sender,
    at: trigger.at,
    // Who named a source is answered by the Run, in its own thread.
    ...(beside ? {} : { source: sourceOf(context) }),
  })
  const pending = { runId, messageId: message.id, message: JSON.stringify(message), sent: false, beside }
  await context.save({ ...context.record, pendingMessage: pending })
  // The Run takes the eyes off when it has the message.
  await awaitEyes(context)
  return goOnTelling(context)
}

const sourceOf = ({ record, job, isLast }: CommandContext): Source => ({
  trigger: job.id,
  command: record.done,
  ...(record.trigger.kind === 'tick' ? {} : { target: targetOf(record.trigger) }),
  last: isLast && record.reacted,
})

/** Done once the Run has the message; if that Run has ended, the command starts over. */
export async function goOnTelling(context: CommandContext): Promise<CommandResult> {
  const { pendingMessage } = context.record
  if (!pendingMessage) return { kind: 'start-over' }
  const message = parseMessage(pendingMessage.message)
  const isTaken =
    message !== undefined &&
    ((await isDealtWith(context, pendingMessage)) ||
      (await send(context.deps.runs, pendingMessage.runId, message)))
  context.deps.reached('message sent, not recorded')
  const { beside } = pendingMessage
  if (isTaken && beside) return replied({ kind: 'stopping-beside', thread: beside })
  if (isTaken) return { kind: isAnswered(message) ? 'message' : 'silence' }
  await context.save({ ...context.record, pendingMessage: undefined })
  const isEnding = (await context.deps.runs.get(pendingMessage.runId))?.standing === 'live'
  return { kind: isEnding ? 'wait' : 'start-over' }
}

function isAnswered(message: RunMessage): boolean {
  switch (message.kind) {
    case 'follow-up':
    case 'stop':
    case 'label':
      return message.source !== undefined
    default:
      return false
  }
}

/** Whether its Run has the message; that Run then replies. */
export async function isWithItsRun(context: CommandContext): Promise<boolean> {
  const { pendingMessage } = context.record
  if (!pendingMessage) return false
  if (await isDealtWith(context, pendingMessage)) return true
  const inbox = await context.deps.runs.inbox(pendingMessage.runId)
  return inbox.some(text => parseMessage(text)?.id === pendingMessage.messageId)
}

type Pending = NonNullable<CommandContext['record']['pendingMessage']>

async function isDealtWith({ deps }: CommandContext, { runId, messageId }: Pending): Promise<boolean> {
  const kept = await deps.runs.get(runId)
  return kept?.standing === 'ended' && kept.data.mailbox.handledMessageIds.includes(messageId)
}
