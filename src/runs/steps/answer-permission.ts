import { optionByWords, rejecting } from '../../core/run/permission-request.ts'
import type { FollowUp } from '../../core/run/record/mailbox-part.ts'
import { type ChangeOf, changed, type Run, sessionOf } from '../../core/run/run.ts'
import type { Session } from '../../core/run/session.ts'
import { sentFollowUp } from './deliver.ts'
import { none } from './pass-on-attachments.ts'
import type { StepContext } from './step-context.ts'

export async function respondToPermission(
  context: StepContext<never, 'respondToPermission'>,
  { option: optionId }: { option: string },
): Promise<ChangeOf<'session' | 'schedule'>> {
  const { run, posthog } = context
  const session = sessionOf(run)
  const request = run.session.sessionLog?.permissionRequest
  if (!session || !request) return {}
  await context.job.assertLocked()
  await posthog.respondToPermission(session, { requestId: request.id, optionId })
  const kind = request.options.find(({ id }) => id === optionId)?.kind
  const permission = { id: request.id, title: request.title, allowed: kind?.startsWith('allow') ?? false }
  return { session: { permission }, schedule: { nextPollAt: undefined } }
}

/** Text that names an option decides the permission; any other rejects it and goes to the agent as a message. */
export async function decideByWords(
  context: StepContext<never, 'respondToPermission'>,
  session: Session,
  { text }: FollowUp,
): Promise<boolean> {
  const request = context.run.session.sessionLog?.permissionRequest
  if (!request) return false
  const chosen = optionByWords(request, text)
  const optionId = chosen ?? rejecting(request)
  await context.job.assertLocked()
  if (optionId !== undefined)
    await context.posthog.respondToPermission(session, { requestId: request.id, optionId })
  return chosen !== undefined
}

export function withPermissionDecided(run: Run): ReturnType<typeof sentFollowUp> {
  const { sessionLog, taskRun } = run.session
  const { inlineAsked } = run.report
  return changed(sentFollowUp(run, none), {
    mailbox: { wordsOfRound: run.mailbox.wordsOfRound },
    report: { inlineAsked },
    session: { sessionLog: sessionLog && { ...sessionLog, permissionRequest: undefined }, taskRun },
  })
}
