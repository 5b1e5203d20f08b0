/** Labels that call the bot, put on and taken off. */
import { mayHoldCommand } from '../../core/command/find.ts'
import { usualTrigger } from '../../core/settings/deployment-settings.ts'
import {
  callsIn,
  happening,
  ignored,
  isBot,
  type Normalised,
  snapshotOf,
  type ThreadEvent,
  withdrawal,
} from './event.ts'
import type * as payloads from './payloads.ts'

type Labelling = payloads.BasePayload & { label?: { name: string } | null | undefined }

/** GitHub knows a label by its name in any case. */
function labelBase(
  name: string,
  { triggerOf, thread }: ThreadEvent<Labelling>,
): string | undefined {
  const given = name.toLowerCase()
  return triggerOf(thread.ownerId).labels.find(
    label => given === label.toLowerCase() || given.startsWith(`${label.toLowerCase()}:`),
  )
}

/** A label event has no id: thread, name and time stand for it. */
export function labelTrigger(event: ThreadEvent<Labelling>): Normalised {
  const { payload, thread, subject, deliveryId } = event
  const name = payload.label?.name ?? ''
  const base = labelBase(name, event)
  if (base === undefined) return ignored('other label')
  if (isBot(payload)) return ignored('by a bot')
  const at = Date.parse(subject.updated_at ?? '')
  const moment = Number.isNaN(at) ? deliveryId : String(at)
  const isNew = at - Date.parse(subject.created_at ?? '') <= atOnce
  const isByAuthor = subject.user?.id === payload.sender.id
  return {
    kind: 'trigger',
    trigger: {
      ...happening(event, Number.isNaN(at) ? Date.now() : at),
      id: `label-${thread.repoId}-${thread.number}-${name.replace(/[^\w-]/g, '_')}-${moment}`,
      kind: 'label',
      label: name,
      base: base === usualTrigger.word ? undefined : base,
      withText: (isByAuthor && isNew && mayHoldCommand(subject.body, callsIn(event))) || undefined,
      snapshot: snapshotOf(subject),
      head: event.head,
    },
  }
}

/** ms. GitHub tells of a label of a new issue in an event of its own. */
const atOnce = 10_000

export function labelWithdrawal(event: ThreadEvent<Labelling>): Normalised {
  const name = event.payload.label?.name ?? ''
  if (labelBase(name, event) === undefined) return ignored('other label')
  return withdrawal(event, { kind: 'label', label: name }, event.subject.updated_at)
}
