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
  const took = await posthog.respondToPermission(session, { requestId: request.id, optionId })
  const kind = request.options.find(({ id }) => id === optionId)?.kind
  const allowed = kind?.startsWith('allow') ?? false
  const permission = {
    id: request.id,
    title: request.title,
    ...(took === 'resolved' ? { allowed } : { allowed: false, untaken: took }),
  }
  return { session: { permission }, schedule: { nextPollAt: undefined } }
}

/** Text that names an option decides the permission; any other rejects it and goes to the agent as a message. */
export async function decideByWords(
  context: StepContext<never, 'respondToPermission'>,
  session: Session,
  { text }: FollowUp,
): Promise<'no' | 'resolved' | 'over'> {
  const request = context.run.session.sessionLog?.permissionRequest
  if (!request) return 'no'
  const chosen = optionByWords(request, text)
  const optionId = chosen ?? rejecting(request)
  if (optionId === undefined) return 'no'
  await context.job.assertLocked()
  const took = await context.posthog.respondToPermission(session, { requestId: request.id, optionId })
  return chosen === undefined ? 'no' : took
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
