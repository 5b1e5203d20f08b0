#!/usr/bin/env node
/** The command line: its first word says what is to be done. Without one, the bot starts. */
import { setFlagsFromString } from 'node:v8'
import { version } from './own-package.ts'
import { commandTyped, home } from './process-environment.ts'

// Before all that is loaded from here on.
process.setSourceMapsEnabled(true)
// If there is room, V8 keeps the garbage of a thousand polls for minutes: 510 MB instead of 220. This sets no bound.
setFlagsFromString('--heap-growing-percent=20')
// The space for what is new grows to 32 MB otherwise, and never shrinks.
setFlagsFromString('--semi-space-growth-factor=1')

const help = `codex-task-bot ${version} turns /codex comments on GitHub into PostHog task runs.

  ${commandTyped('start')}
      starts the bot, or its set-up page if there is no GitHub App yet
  ${commandTyped('doctor')} [--json]
      says what is wrong, and how to fix it
  ${commandTyped('help')}
  ${commandTyped('--version')}

Its .env and its data are in ${home}. CODEX_BOT_HOME names another folder.
`

const [word = 'start', ...flags] = process.argv.slice(2)
const isJson = word === 'doctor' && flags[0] === '--json'
const [unknown] = isJson ? flags.slice(1) : flags

if (unknown !== undefined) refuse(`${word} ${unknown}`)
switch (word) {
  case 'start':
    await (await import('./run-bot.ts')).runBot()
    break
  case 'doctor':
    await (await import('./doctor/doctor-cli.ts')).runDoctor(isJson)
    break
  case 'help':
  case '--help':
    process.stdout.write(help)
    break
  case '--version':
    process.stdout.write(`${version}\n`)
    break
  default:
    refuse(word)
}

function refuse(typed: string): never {
  process.stderr.write(
    `There is no \`${typed}\`. There are \`start\`, \`doctor [--json]\`, \`help\` and \`--version\`.\n`,
  )
  process.exit(2)
}
