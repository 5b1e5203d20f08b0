/**
 * The whole way of a command, with nothing but Node: two emulators and the real bot, and a comment on an issue. Exits 0 when
 * everything happened that should, else says what did not. `--keep` then opens the playground.
 */
import { styleText } from 'node:util'
import { onStage } from './on-stage.ts'
import { servePlayground } from './playground/server.tsx'
import type { Stage } from './playground/stage.ts'
import { Missed, tellStory } from './story.ts'

const usage = `npm run demo              shows the bot at work
npm run demo -- --keep    then opens a page to play with it
`
/** ms for the story. */
const limit = 90_000
const logTail = 15

const { stdout, stderr, env, argv } = process
const colour = !env.NO_COLOR && (stdout.isTTY || Boolean(env.FORCE_COLOR))
const painted = (style: 'bold' | 'dim', text: string): string =>
  colour ? styleText(style, text, { validateStream: false }) : text
const print = (text = ''): void => void stdout.write(`${text}\n`)

const options = argv.slice(2)
if (options.some(option => option !== '--keep')) {
  stderr.write(usage)
  process.exit(2)
}

async function demo(stage: Stage): Promise<'stay' | 'leave'> {
  const { github, posthog, bot } = stage.world
  print(`
  GitHub   ${github.url}  emulated: repositories, comments, labels, webhooks
  PostHog  ${posthog.url}  emulated: the Tasks API, with an agent that follows a script
  The bot  ${bot.url}  the real one, as \`npm start\` runs it, on its embedded queue
`)
  const { times, path, request, prompt } = await tellStory(stage.world, {
    deadline: Date.now() + limit,
    tell: (at, what, text) => {
      print(
        `${painted('dim', `${(at / 1000).toFixed(1).padStart(6)} s`)}  ${painted('bold', what)}`,
      )
      for (const line of text) print(`          ${painted('dim', '│')} ${line}`)
    },
  })
  print(
    `\n  ${painted('bold', 'What PostHog was asked')}\n\n    POST ${path}\n${indented(request)}\n`,
  )
  print(`  ${painted('bold', 'pending_user_message, in full')}\n\n${indented(prompt)}\n`)
  print(painted('bold', '✓ Everything happened'))
  print(
    `  comment → 👀 ${times.eyes} ms, first status ${times.status} ms, pull request linked ${times.result} ms`,
  )
  if (!options.includes('--keep')) {
    print('\n  Play with this thread, fold out and tick what is above: npm run demo -- --keep')
    return 'leave'
  }
  const address = await servePlayground(stage, 4200)
  print(
    `\n  The same thread as a page to play with: ${address}\n  Ctrl-C ends it; nothing is kept.`,
  )
  return 'stay'
}

const indented = (text: string): string => text.replace(/^/gm, '    ')

function reasonOf(error: unknown, stage: Stage | undefined): string {
  if (!(error instanceof Missed))
    return `✗ The demo failed: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`
  const missing = error.missing.map(fact => `  - ${fact}`).join('\n')
  const log =
    stage?.world.bots.at(-1)?.output().trimEnd().split('\n').slice(-logTail).join('\n') ?? ''
  return `✗ The demo failed. This did not happen:\n${missing}\n\nThe end of the bot's log:\n${log}`
}

print(`\n  ${painted('bold', 'codex-task-bot')}   a comment in, a pull request out`)
await onStage(demo, reasonOf)
