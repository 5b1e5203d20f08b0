/**
 * The bot as `src/main.ts` runs it, but mortal: `CRASH_AT=point` or `CRASH_AT=point:nth` kills the process, as
 * power loss would, the nth time it gets there. `LOCK_MS` and `STALLED_MS` shorten the wait for its heir, `BRANCHES_MS`
 * that for a branch that nothing came of. It runs the
 * very code that ships, and is no TypeScript itself, so that it starts as fast.
 */
/** @param {string} name */
const built = name => import(new URL(`../../dist/bundled/${name}`, import.meta.url).href)
const { startBot } = await built('bot.js')
const config = await built('config.js')

const { environment } = await built('process-environment.js')
const env = environment()
const read = config.readConfig(env)
if (read.kind !== 'run') throw new Error(`the environment does not say how to run: ${read.kind}`)

const [wanted, nth = '1'] = (env.CRASH_AT ?? '').split(':')
let left = Number(nth)

const started = await startBot(read.config, {
  queue: { lockDuration: Number(env.LOCK_MS ?? 1_000), stalledInterval: Number(env.STALLED_MS ?? 500) },
  branchesEvery: Number(env.BRANCHES_MS ?? 1_000),
  reached(point) {
    if (point !== wanted) return
    left -= 1
    if (left === 0) process.kill(process.pid, 'SIGKILL')
  },
})

for (const signal of ['SIGTERM', 'SIGINT'])
  process.once(signal, () => void started.stop(signal).then(() => process.exit(0)))
