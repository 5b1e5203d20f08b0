import type { z } from 'zod'
import { type AppIdentity, type Installed, ignored, issueThread, type Normalised } from './event.ts'
import { labelled, unlabelled } from './labels.ts'
import type * as payloads from './payloads.ts'
import { endedBy, endings, withdrawn } from './withdrawn.ts'

export function fromIssue(
  payload: Installed<z.infer<typeof payloads.IssueEvent>>,
  deliveryId: string,
  identity: AppIdentity,
): Normalised {
  const { action, issue } = payload
  const thread = issueThread(payload, issue)
  const ending = endings.find(known => known === action)
  if (ending) return withdrawn(payload, { thread, deliveryId, ...endedBy(ending, issue) })
  if (action === 'unlabeled') return unlabelled(payload, { identity, thread, subject: issue, deliveryId })
  if (action !== 'labeled') return ignored('event not used')
  return labelled(payload, { identity, thread, subject: issue, deliveryId })
}
