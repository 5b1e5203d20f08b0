/** Reads Runs stored before November 2026, which were flat. Pure. */
import { isKeyed, type Keyed, own, runOfToday, within } from './former-names.ts'

const flatKeys: Readonly<Record<string, readonly string[]>> = {
  baseline: ['snapshot', 'head', 'settings', 'settingsProblem'],
  schedule: [
    'admitted',
    'admissionExpectedAt',
    'ahead',
    'waitsUntil',
    'waitsFor',
    'nextPollAt',
    'lastPollAt',
  ],
  workspace: [
    'branch',
    'madeBranch',
    'headMoved',
    'threadContext',
    'readUpTo',
    'given',
    'attachments',
    'restaged',
  ],
  session: [
    'tenant',
    'earlier',
    'taskId',
    'taskMade',
    'taskRun',
    'sessionLog',
    'permission',
    'progress',
    'instructionSent',
    'cancel',
    'agentLeft',
    'cost',
    'summary',
    'summaryAt',
  ],
  mailbox: [
    'messagesRead',
    'messagesUnread',
    'pendingFollowUps',
    'handledMessageIds',
    'droppedMessageIds',
    'answers',
    'askAgain',
    'followUpsSent',
    'wordsOfRound',
    'lastWordsAt',
    'stop',
    'ignoredStop',
    'releaseThread',
    'accessLost',
  ],
  result: [
    'claimedPulls',
    'claimsSeen',
    'foreignPulls',
    'unseenPulls',
    'pulls',
    'untended',
    'reported',
    'resultChecked',
    'instructionDone',
    'pushed',
    'outcome',
    'concludedAt',
    'round',
  ],
  report: [
    'status',
    'supersedes',
    'statusRemade',
    'announced',
    'answerTo',
    'readOnlyThread',
    'threadBlocked',
    'labels',
  ],
  attempts: ['intent', 'outages', 'stallsSeen'],
}

const partOf: Readonly<Record<string, string>> = Object.fromEntries(
  Object.entries(flatKeys).flatMap(([part, keys]) => keys.map(key => [key, part])),
)

export function runInParts(stored: unknown): unknown {
  const record = runOfToday(stored)
  if (!isKeyed(record)) return record
  const entries = Object.entries(withoutTrouble(record))
  const beside = entries.filter(([key]) => own(partOf, key) === undefined)
  const parts = Object.keys(flatKeys).flatMap(part => {
    const keys = entries.filter(([key]) => own(partOf, key) === part)
    if (keys.length === 0) return []
    const known = own(record, part)
    return [[part, { ...Object.fromEntries(keys), ...(isKeyed(known) ? known : {}) }]]
  })
  return within(Object.fromEntries([...beside, ...parts]), {
    attempts: attempts => within(attempts, { intent: listed }),
  })
}

const listed = (intent: unknown): unknown => (isKeyed(intent) ? [intent] : intent)

function withoutTrouble({ trouble, ...record }: Keyed): Keyed {
  if (!isKeyed(trouble) || typeof trouble.service !== 'string') return record
  const { service, ...outage } = trouble
  return {
    ...record,
    outages: { [String(service)]: outage, ...(isKeyed(record.outages) ? record.outages : {}) },
  }
}
