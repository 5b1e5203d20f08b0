/** Keys and values that settings files no longer have. Their errors say what to write instead. */
const gone = 'is no setting any more'
const ofLoops = `${gone}: only a loop reaches so many starts, and the bot holds it back without a setting. Delete it`
const ofMoney = `${gone}. Write \`cost_per_day\`, which is for each repository, and set a billing limit in PostHog`
const ofZero = '`limits.repository: 0` holds all that is asked here'
const ofDeployment = 'can only be set in `SETTINGS_FILE`, by whoever runs the bot. Delete it here'

/** Keys that settings files had once, values that keys had, and what to do instead. */
const removed: ReadonlyMap<string, string> = new Map(
  Object.entries({
    'permissions.queue':
      'is no command any more. Delete it; `/codex status` says what a run waits for',
    'permissions.pause': `is no command any more. Delete it; ${ofZero}`,
    'permissions.resume': `is no command any more. Delete it; ${ofZero}`,
    pause: `${gone}. Delete it; a limit \`limits.total: 0\` holds all that is asked, and a higher one lets it start`,
    'allow.apps': `${gone}: what an App comments is never a command. Delete it, and let a person with permission give the command`,
    'pull_request.credit': `${gone}: GitHub reads co-authors only in the last lines of a message, and PostHog puts its own there. Delete it`,
    'limits.bots_per_thread_per_day': `${gone}: bots start nothing. Delete it`,
    'limits.person_per_day': `${ofLoops}. \`person\` and \`repository_per_day\` limit what people start`,
    'limits.thread_per_day': `${ofLoops}. \`repository_per_day\` limits what people start`,
    'limits.repository_per_5_minutes': `${ofLoops}. \`repository_per_day\` limits what people start`,
    'limits.person_cost_per_day': ofMoney,
    'limits.owner_cost_per_day': ofMoney,
    'limits.when_reached': `${gone}: at a limit, a run waits. Delete it. \`/codex stop\` ends the wait`,
    'limits.owner': ofDeployment,
    'limits.owner_per_day': ofDeployment,
    chatty: `${gone}: write \`comments: outcomes\` in place of \`chatty: false\`. Without either, all comments come`,
    when: `${gone}: a run always stops if its thread is closed, its comment is deleted or its label is taken off. Delete it. \`/codex retry\` goes on`,
    head_moved: `${gone}: the run starts, and its status says that somebody pushed. Delete it. \`/codex approve\` still refuses a plan of an older commit`,
    branch: `${gone}: work for an issue has a branch of its own. Delete it. \`base\` says where that starts, and \`/codex --branch NAME …\` works on another branch`,
    'comments: check': "can't be `check` any more: use `outcomes`, which posts as few comments",
  }),
)

export const removedValueWords = (path: readonly string[], value: unknown): string | undefined =>
  removed.get(`${path.at(-1)}: ${String(value)}`)

const nameOf = (path: readonly string[]): string => {
  const [key = '', group = 'defaults'] = path.toReversed()
  return group === 'defaults' ? key : `${group}.${key}`
}

/** @param path of a key that is not known, in whichever file and layer */
export const removedKeyWords = (path: readonly string[]): string | undefined =>
  removed.get(nameOf(path))

/**
 * Keys that went with this version. For this one version they are passed over, and told, so that nobody's work stops at
 * an upgrade. `pause` is not among them: without it, what it held would start.
 */
const wentNow: ReadonlySet<string> = new Set([
  'permissions.pause',
  'permissions.resume',
  'pull_request.credit',
])

export const isPassedOver = (path: readonly string[]): boolean => wentNow.has(nameOf(path))
