/** Keys that settings files had once, and what to do instead. Part of what was written is worse than none, so they are errors. */
const removed: ReadonlyMap<string, string> = new Map([
  ['permissions.queue', 'is no command any more. Delete it; `/codex status` says what a run waits for'],
  [
    'allow.apps',
    'is no setting any more: what an App comments is never a command. Delete it, and let a person with permission give the command',
  ],
  [
    'limits.bots_per_thread_per_day',
    'is no setting any more: bots start nothing. Delete it; `thread_per_day` limits a thread',
  ],
])

/** @param path of a key that is not known, in whichever file and layer */
export function removedKeyWords(path: readonly string[]): string | undefined {
  const [key = '', group = ''] = path.toReversed()
  return removed.get(`${group}.${key}`) ?? removed.get(key)
}
