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
  // Other bots may do nothing.
  'bots_per_thread_per_day',
  'chatty',
]

/** Values that are read as others now. */
const replaced: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  comments: { check: 'outcomes' },
}

/** @returns a copy without them */
export const withoutGone = <T extends object>(record: T): T =>
  JSON.parse(JSON.stringify(record), (key, value) =>
    gone.includes(key) ? undefined : (replaced[key]?.[String(value)] ?? value),
  )
