/**
 * The whole way of a command, with nothing but Node: two emulators and the real bot; a comment on an issue, then a label on
 * a pull request. Exits 0 when everything happened that should, else says what did not. `--keep` stays up for the visitor.
 */
import { startWorld, type World } from '../test/world/world.ts'
import { repository, timing } from './cast.ts'
import { Curtain } from './curtain.ts'
import { issueScene } from './issue-scene.ts'
import { LiveScreen } from './live-screen.ts'
import { LogScreen } from './log-screen.ts'
import { cast, heading, overture, summary } from './playbill.ts'
import { pullScene } from './pull-scene.ts'
import { perform, type Scene } from './scene.ts'
import { stayUp } from './visit.ts'

const usage = `npm run demo              shows the bot at work
npm run demo -- --keep    then stays up and lets you comment
`
/** ms for both scenes. */
const limit = 40_000

const { stdout, stderr, env, argv } = process
const curtain = new Curtain()
const colour = !env.NO_COLOR && (stdout.isTTY || Boolean(env.FORCE_COLOR))
const redraws = stdout.isTTY && env.TERM !== 'dumb'
const screen = redraws ? new LiveScreen(stdout, colour) : new LogScreen(stdout, colour)

const options = argv.slice(2)
const keep = options.includes('--keep')
if (options.some(option => option !== '--keep')) {
  stderr.write(usage)
  process.exit(2)
}
try {
  await demo()
  await curtain.fall(0)
} catch (error) {
  await curtain.fail(error)
}

async function demo(): Promise<void> {
  const started = Date.now()
  screen.print(...overture)
  const world = await raise()
  screen.print(...cast(world))
  const deadline = Date.now() + limit
  const play = (title: string, scene: Scene) => {
    screen.print(...heading(title, screen.cells))
    screen.close()
    return perform({ world, screen, deadline }, scene)
  }
  const issue = await issueScene(world)
  const first = await play('1  maya comments on an issue', issue)
  const second = await play('2  maya puts a label on her pull request', await pullScene(world))
  screen.print(...summary(Date.now() - started, first, second))
  if (keep) await stayUp({ world, screen, thread: issue.thread })
}

/** The bot comes last and on its own, so that the curtain holds it even if it never gets ready. */
async function raise(): Promise<World> {
  const world = await startWorld({ roles: [], posthog: { timing } })
  curtain.hangsOver(world)
  await world.github.as('maya').pushes('main', repository, 'A shop with a login')
  await world.startBot()
  return world
}
