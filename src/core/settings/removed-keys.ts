/** Keys that settings files had once, and what to do instead. Part of what was written is worse than none, so they are errors. */
const removed: ReadonlyMap<string, string> = new Map([
  [
    'allow.apps',
    'is no setting any more: what an App comments is never a command. Delete it, and let a person with permission give the command',
  ],
  [
    'limits.bots_per_thread_per_day',
    'is no setting any more: bots start nothing. Delete it; `thread_per_day` limits a thread',
  ],
  [
    'chatty',
    'is no setting any more: write `comments: outcomes` in place of `chatty: false`. Without either, all comments come',
  ],
  [
    'when',
    'is no setting any more: a run always stops if its thread is closed, its comment is deleted or its label is taken off. Delete it. `/codex retry` goes on',
  ],
  [
    'head_moved',
    'is no setting any more: the run starts, and its status says that somebody pushed. Delete it. `/codex approve` still refuses a plan of an older commit',
  ],
  [
    'branch',
    'is no setting any more: work for an issue has a branch of its own. Delete it. `base` says where that starts, and `/codex --branch NAME …` works on another branch',
  ],
])

/** The same of values. */
const removedValues: ReadonlyMap<string, string> = new Map([
  ['comments: check', "can't be `check` any more: use `outcomes`, which posts as few comments"],
])

export const removedValueWords = (path: readonly string[], value: unknown): string | undefined =>
  removedValues.get(`${path.at(-1)}: ${String(value)}`)

/** @param path of a key that is not known, in whichever file and layer */
export function removedKeyWords(path: readonly string[]): string | undefined {
  const [key = '', group = ''] = path.toReversed()
  return removed.get(`${group}.${key}`) ?? removed.get(key)
}
