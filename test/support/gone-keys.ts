/** Keys that records of before have and that are read no more. */
const gone: readonly string[] = [
  // How a turn stands: the log of a session is read again from where its Run began.
  'idle',
  'idleSince',
  'showsWords',
  'stopReason',
  // The agent's account of its work comes with each look.
  'summaryAt',
  // What was changed in a live session, which keeps its options now.
  'set',
  // What a repository cost in a day is told alone.
  'spent',
  // Of the pull request that took back another.
  'revertedBy',
  // How long it stood in line, and when its status was posted.
  ...['waitedInLine', 'postedAt'],
  // That GitHub took no check in the place of a status.
  'checkRefused',
  // What is done at the end: a flag for each.
  'announced',
  // How PostHog set up the sandbox, and that the agent ended its run itself, without its reason.
  ...['progress', 'finishes'],
  // What the agent has read: `mailbox-part.ts` reads it.
  ...[
    'pendingFollowUps',
    'droppedMessageIds',
    'followUpsSent',
    'begunWith',
    'instructionUnread',
    'unread',
  ],
  ...['awaitedMessageId', 'takenUp', 'messages', 'answerTo'],
  // What paused a repository, and who ended that.
  ...['pause', 'resumedBy'],
  // The template of an instruction, which is quoted as it was typed.
  'template',
  // That a status was shown again, for news, and when it showed its agent last.
  ...['unfolded', 'heardAt'],
]

/** The same, of the settings that a Run keeps. */
const goneSettings: readonly string[] = [
  ...['branch', 'when', 'head_moved', 'chatty'],
  // Other bots may do nothing.
  'bots_per_thread_per_day',
  ...['person_per_day', 'thread_per_day', 'repository_per_5_minutes', 'when_reached'],
  ...['person_cost_per_day', 'owner_cost_per_day'],
  'credit',
]

/** Keys that are gone, or that only a recovery record still has, by the object in which they were. */
const goneFrom: Readonly<Record<string, string>> = {
  mailbox: 'wordsOfRound',
  session: 'instructionSent',
  taskRun: 'lastMessageId',
  resumed: 'words',
  leftOut: 'bots',
  lastWord: 'ended',
  branch: 'linked',
}

/** @returns a copy without them, and with values that are gone as they are read now */
export const withoutGone = <T extends object>(record: T): T => read(record, gone)

const read = <T extends object>(record: T, lost: readonly string[]): T =>
  JSON.parse(JSON.stringify(record), (key, value) => {
    if (lost.includes(key)) return undefined
    if (typeof value === 'object') delete value?.[goneFrom[key] ?? '']
    // It is of a Run whose status was a check.
    if (key === 'status' && value.check) return undefined
    // Whether the pull request is a draft, GitHub says.
    if (value?.kind === 'pull-news') {
      const { draft: _, ...news } = value
      return news
    }
    if (key === 'waits' && value?.kind === 'pause') return { kind: 'zero', of: value.of }
    if (key === 'previous') return read(value, ['comment', 'word'])
    if (key !== 'settings') return value
    const settings = read(value, goneSettings)
    return settings.comments === 'check' ? { ...settings, comments: 'outcomes' } : settings
  })
