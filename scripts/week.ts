/**
 * Days of the embedded queue in fast time: `npm run week -- --days 7 --commands 300`. Each day people ask, the agents
 * answer, and by night the bot starts anew while the clocks of all go on by a day. Prints the size of its data folder each
 * evening, and fails where it has grown by more than what is kept.
 */
import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { bundle } from '../test/bundle.ts'
import { opensIssue } from '../test/world/opens-issue.ts'
import { startWorld } from '../test/world/world.ts'

const dayMs = 24 * 3_600_000
const keptDays = 30
/** Twice what was needed at 60 commands a day. */
const bytesACommand = 22_000
/** Of what is the same however much was asked: dead rows, and the log of the database. */
const spareBytes = 20_000_000
const atOnce = 20

const { values } = parseArgs({
  options: {
    days: { type: 'string', default: '7' },
    commands: { type: 'string', default: '300' },
  },
})
const days = Number(values.days)
const commands = Number(values.commands)

// The emulators live in this process, and their clock goes with that of the bot.
process.env.CLOCK_STEP = String(dayMs)
const clock = fileURLToPath(new URL('../test/world/moved-clock.js', import.meta.url))
await import(clock)

await bundle()
const world = await startWorld({
  env: { NODE_OPTIONS: `--import ${clock}` },
  settings: 'limits: { repository_per_day: 10000, owner_per_day: 10000, cost_per_day: 10000 }',
  posthog: { rate: 'off', afterTurn: 'ends' },
})
process.on('exit', () => world.bot.signal('SIGKILL'))
const folder = String(world.env.DATA_DIR)

const sizes = [sizeOf(folder)]
tell('at first')
for (let day = 1; day <= days; day += 1) {
  await liveThrough(day)
  await world.bot.stop()
  sizes.push(sizeOf(folder))
  tell(`day ${day}`)
  process.emit('SIGUSR2')
  await world.startBot('all', { CLOCK_AHEAD: String(day * dayMs) })
}
await world.close()

const [first = 0] = sizes
const isTooLarge = sizes.some(
  (size, day) => size > first + spareBytes + bytesACommand * commands * Math.min(day, keptDays + 1),
)
process.stdout.write(isTooLarge ? 'It grows beyond what is kept.\n' : 'It keeps within bounds.\n')
process.exit(isTooLarge ? 1 : 0)

function tell(when: string): void {
  process.stdout.write(`${when}: ${((sizes.at(-1) ?? 0) / 1e6).toFixed(1)} MB\n`)
}

function sizeOf(path: string): number {
  return Number(execFileSync('du', ['-sb', path], { encoding: 'utf8' }).split('\t')[0])
}

async function liveThrough(day: number): Promise<void> {
  for (let asked = 0; asked < commands; asked += atOnce) {
    const names = Array.from({ length: Math.min(atOnce, commands - asked) }, (_, n) => asked + n)
    await Promise.all(names.map(name => asks(`${day}-${name}`)))
    await world.github.waitFor(() => said() >= 2 * ((day - 1) * commands + asked + names.length), {
      timeout: 300_000,
      every: 100,
    })
  }
}

async function asks(name: string): Promise<void> {
  const words = new RegExp(`begin-${name}\\b`)
  world.posthog.script(words, { kind: 'answers', text: `It is blue, ${name}.` })
  const { says } = await opensIssue(world, `Issue ${name}`, undefined, `About ${name}.`)
  await says(`/codex ask begin-${name}`)
}

/** A status and a last word for each command. */
function said(): number {
  return world.github.writes.filter(
    ({ method, path }) => method === 'POST' && /\/issues\/\d+\/comments$/.test(path),
  ).length
}
