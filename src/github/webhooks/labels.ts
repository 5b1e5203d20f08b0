import type { z } from 'zod'
import type { PullHead, Thread } from '../../core/model/thread.ts'
import { usualTrigger } from '../../core/settings/trigger-words.ts'
import {
  type AppIdentity,
  arrived,
  type Installed,
  ignored,
  isBot,
  type Normalised,
  snapshotOf,
} from './event.ts'
import type * as payloads from './payloads.ts'
import { withdrawn } from './withdrawn.ts'

interface Labelled {
  identity: AppIdentity
  thread: Thread
  subject: payloads.IssuePayload | payloads.PullRequestPayload
  deliveryId: string
  head?: PullHead
}

/** GitHub knows a label by its name in any case. */
function baseOf(
  name: string,
  { identity, thread }: Pick<Labelled, 'identity' | 'thread'>,
): string | undefined {
  const given = name.toLowerCase()
  return identity
    .triggerOf(thread.owner)
    .labels.find(label => given === label.toLowerCase() || given.startsWith(`${label.toLowerCase()}:`))
}

/** A label event has no id: thread, name and time stand for it. */
export function labelled(
  payload: Installed<z.infer<typeof payloads.IssueEvent>> | Installed<z.infer<typeof payloads.PullEvent>>,
  given: Labelled,
): Normalised {
  const name = payload.label?.name ?? ''
  const base = baseOf(name, given)
  if (base === undefined) return ignored('other label')
  if (isBot(payload)) return ignored('by a bot')
  const { thread, subject } = given
  const at = Date.parse(subject.updated_at ?? '')
  const event = Number.isNaN(at) ? given.deliveryId : String(at)
  return {
    kind: 'trigger',
    trigger: {
      ...arrived(payload, thread, given.deliveryId, Number.isNaN(at) ? Date.now() : at),
      id: `label-${thread.repoId}-${thread.number}-${name.replace(/[^\w-]/g, '_')}-${event}`,
      kind: 'label',
      label: name,
      ...(base === usualTrigger.word ? {} : { base }),
      snapshot: snapshotOf(subject),
      ...(given.head ? { head: given.head } : {}),
    },
  }
}

export function unlabelled(
  payload: Installed<payloads.BasePayload> & { label?: { name: string } | null | undefined },
  { identity, thread, subject, deliveryId }: Labelled,
): Normalised {
  const name = payload.label?.name ?? ''
  if (baseOf(name, { identity, thread }) === undefined) return ignored('other label')
  const what = { kind: 'label', label: name } as const
  return withdrawn(payload, { thread, deliveryId, what, at: subject.updated_at })
}
