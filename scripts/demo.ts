/**
 * The whole way of a command, with nothing but Node: two emulators, the real bot, an issue and a comment, a pull request and
 * a label. Exits 0 when everything that should happen did, else says what did not. `--keep` stays up for the visitor.
 */
import { startWorld, type World } from '../test/world/world.ts'
import { repository, timing } from './demo/cast.ts'
import { Curtain } from './demo/curtain.ts'
import { Missed } from './demo/facts.ts'
import { type Line, paint, span } from './demo/ink.ts'
import { issueScene } from './demo/issue-scene.ts'
import { LiveScreen } from './demo/live-screen.ts'
import { LogScreen } from './demo/log-screen.ts'
import { pullScene } from './demo/pull-scene.ts'
import { perform, type Scene, type Times } from './demo/scene.ts'
import { seconds } from './demo/story.ts'
import { stayUp } from './demo/visit.ts'

const { stdout, stderr, env } = process
const limit = 40_000
const colour = !env.NO_COLOR && (Boolean(env.FORCE_COLOR) || stdout.isTTY)
const isLive = stdout.isTTY && env.TERM !== 'dumb'
const screen = isLive ? new LiveScreen(stdout, colour) : new LogScreen(stdout, colour)

let world: World | undefined
const curtain = new Curtain(error => complain(error))

const [option, ...more] = process.argv.slice(2)
if ((option !== undefined && option !== '--keep') || more.length > 0) {
  stderr.write('npm run demo              shows the bot at work\nnpm run demo -- --keep    stays up and lets you comment\n')
  await curtain.fall(2)
}
try {
  await main(option === '--keep')
  await curtain.fall(0)
} catch (error) {
  complain(error)
  await curtain.fall(1)
}

async function main(keep: boolean): Promise<void> {
  const started = Date.now()
  print([], [span('  Starting GitHub and PostHog, both emulated, and the bot …', 'dim')])
  world = await raise()
  print(...program(world))
  const deadline = Date.now() + limit
  const play = async (title: string, scene: (world: World) => Promise<Scene>): Promise<[Scene, Times]> => {
    print(heading(title), [])
    const made = await scene(raised())
    return [made, await perform({ world: raised(), screen, deadline }, made)]
  }
  const [issue, first] = await play('1  maya asks on an issue', issueScene)
  const [, second] = await play('2  maya puts a label on her pull request', pullScene)
  print(summary(Date.now() - started, first, second), [])
  if (keep) await stayUp({ world, screen, thread: issue.thread, output: stdout })
}

async function raise(): Promise<World> {
  // The bot comes last and by itself, so that the curtain holds it even if it never gets ready.
  const made = await startWorld({ roles: [], posthog: { timing } })
  curtain.hangsOver(made)
  await made.github.as('maya').pushes('main', repository, 'A shop with a login')
  await made.startBot()
  return made
}
