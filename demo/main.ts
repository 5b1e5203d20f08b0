/**
 * The whole way of a command, with nothing but Node: two emulators and the real bot; a comment on an issue, then a label on
 * a pull request. Exits 0 when everything happened that should, else says what did not. `--keep` stays up for the visitor.
 */
import { constants } from 'node:os'
import { startWorld, type World } from '../test/world/world.ts'
import { Missed, perform, type Scene, type Times } from './scene.ts'
import { issueScene, pullScene, repository, timing } from './scenes.ts'
import { type Line, painted, span } from './terminal.ts'
import { type Printer, seconds } from './thread-log.ts'
import { stayUp } from './visit.ts'

const usage = `npm run demo              shows the bot at work
npm run demo -- --keep    then stays up and lets you comment
`
/** ms for both scenes, for everything to close. */
const limit = 40_000
const closeTimeoutMs = 3_000
const logTail = 15

const { stdout, stderr, env, argv } = process
const colour = !env.NO_COLOR && (stdout.isTTY || Boolean(env.FORCE_COLOR))
const printer: Printer = {
  get cells() {
    return Math.min(stdout.columns || 100, 100)
  },
  print(...lines) {
    for (const line of lines) stdout.write(`${painted(line, colour)}\n`)
  },
}

const options = argv.slice(2)
if (options.some(option => option !== '--keep')) {
  stderr.write(usage)
  process.exit(2)
}

let world: World | undefined
let closing = false
closeHoweverItEnds()
try {
  await demo(options.includes('--keep'))
  await close(0)
} catch (error) {
  await fail(error)
}

async function demo(keep: boolean): Promise<void> {
  const started = Date.now()
  printer.print(
    [],
    [span('  codex-task-bot', 'bold'), span('   a comment in, a pull request out', 'dim')],
    [],
    [span('  Starting an emulated GitHub, an emulated PostHog and the real bot …', 'dim')],
    [],
  )
  world = await startWorld({ roles: [], posthog: { timing } })
  await world.github.as('maya').pushes('main', repository, 'A shop with a login')
  await world.startBot()
  printer.print(
    part('GitHub', world.github.url, 'emulated: repositories, comments, labels, webhooks'),
    part('PostHog', world.posthog.url, 'emulated: the Tasks API, with an agent that follows a script'),
    part('The bot', world.bot.url, 'the real one, as `npm start` runs it, on its embedded queue'),
  )
  const stage = { world, printer, deadline: Date.now() + limit }
  const play = (title: string, scene: Scene): Promise<Times> => {
    printer.print(...heading(title))
    return perform(stage, scene)
  }
  const issue = await issueScene(world)
  const first = await play('1  maya comments on an issue', issue)
  const second = await play('2  maya puts a label on her pull request', await pullScene(world))
  printer.print(
    [
      span(`✓ Everything happened, in ${seconds(Date.now() - started)}`, 'bold', 'green'),
      span(timesIn('comment', first, 'pull request linked')),
      span(timesIn('label', second, 'commit reported')),
    ],
    [],
  )
  if (keep) await stayUp({ world, printer, thread: issue.thread, heading })
}

function part(name: string, url: string, about: string): Line {
  return [span(`  ${name.padEnd(9)}`, 'bold'), span(url.padEnd(24), 'cyan'), span(about, 'dim')]
}

function heading(title: string): Line[] {
  const words = `━━ ${title} `
  return [[], [span(words + '━'.repeat(Math.max(0, printer.cells - words.length)), 'yellow')], []]
}

function timesIn(from: string, { eyes, status, result }: Times, end: string): string {
  const exact = (ms: number): string => (ms < 1000 ? `${ms} ms` : seconds(ms))
  return ` · ${from} → 👀 ${exact(eyes)}, first status ${exact(status)}, ${end} ${exact(result)}`
}

/** By itself, by a signal, by an error: nothing of it stays, and a failure has its reason. */
function closeHoweverItEnds(): void {
  process.on('exit', () => {
    for (const bot of world?.bots ?? []) bot.signal('SIGKILL')
  })
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.on(signal, () => void close(128 + constants.signals[signal]))
  for (const event of ['uncaughtException', 'unhandledRejection'] as const)
    process.on(event, (error: unknown) => void fail(error))
  // Nobody reads any more, as behind `| head`.
  for (const stream of [stdout, stderr]) stream.on('error', () => void close(1))
}

async function close(exitCode: number): Promise<void> {
  if (closing) return
  closing = true
  setTimeout(() => process.exit(exitCode), closeTimeoutMs)
  await world?.close().catch(() => undefined)
  process.exit(exitCode)
}

async function fail(error: unknown): Promise<void> {
  if (!closing) stderr.write(`\n${reasonOf(error)}\n`)
  await close(1)
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Missed))
    return `✗ The demo failed: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`
  const missing = error.missing.map(fact => `  - ${fact}`).join('\n')
  const log = world?.bots.at(-1)?.output().trimEnd().split('\n').slice(-logTail).join('\n') ?? ''
  return `✗ The demo failed. This did not happen:\n${missing}\n\nThe end of the bot's log:\n${log}`
}
