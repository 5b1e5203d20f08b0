/** Commands and options that there were once, and what to use instead. Whoever still writes one is told so, and starts nothing. */

/** Those that took nothing are told only where nothing else follows: with words behind it, their name begins an instruction. */
export const removedCommands: ReadonlyMap<string, string> = new Map([
  ['queue', '`/codex status` says what a run waits for'],
  [
    'pause',
    'write `limits: { repository: 0 }` into `.github/codex.yml`, and what is asked waits until that is raised. If it is your instruction, write `/codex -- pause …`',
  ],
  ['resume', 'what waits for a limit starts by itself when the limit is raised'],
])

/** Those that took words: whatever is behind it, whoever knows it means the command, and no run starts by surprise. */
export const tookWords: ReadonlySet<string> = new Set(['pause'])

/** Each took no value. */
export const removedOptions: ReadonlyMap<string, string> = new Map([
  ['dry-run', '`/codex plan` says what would be done, and `/codex config` what applies here'],
  ['until-green', 'tick “Fix this” when checks fail, or write `/codex fix`'],
])
