/** Commands and options that there were once, and what to use instead. Whoever still writes one is told so, and starts nothing. */

/** Each took nothing, so with words behind it, its name begins an instruction. */
export const removedCommands: ReadonlyMap<string, string> = new Map([
  ['queue', '`/codex status` says what a run waits for'],
])

/** Each took no value. */
export const removedOptions: ReadonlyMap<string, string> = new Map([
  ['dry-run', '`/codex plan` says what would be done, and `/codex config` what applies here'],
  ['until-green', 'tick “Fix this” when checks fail, or write `/codex fix`'],
])
