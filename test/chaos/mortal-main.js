/**
 * The bot as `src/main.ts` runs it, but mortal: `CRASH_AT="before add run:2"` kills the process, as power loss would, the
 * second time it is about to add a run to its queue; `after`, once that is done. Others than `add` are `send`, `save` and
 * `end`, and a job is named by the beginning of its id. `LOCK_MS` and `STALLED_MS` shorten the wait for its heir,
 * `BRANCHES_MS` that for a branch that nothing came of. It runs the very code that ships, and is no TypeScript itself, so
 * that it starts as fast.
 */
/** @param {string} name */
const built = name => import(new URL(`../../dist/bundled/${name}`, import.meta.url).href)
const { startBot } = await built('bot.js')
const { BullQueue } = await built('bull-queue.js')
const config = await built('config.js')

const { environment } = await built('process-environment.js')
const env = environment()
const read = config.readConfig(env)
if (read.kind !== 'run') throw new Error(`the environment does not say how to run: ${read.kind}`)

const [wanted = '', nth = '1'] = (env.CRASH_AT ?? '').split(':')
let left = Number(nth)

/** @param {string} call */
function dieAt(call) {
  if (wanted === '' || !call.startsWith(wanted)) return
  left -= 1
  if (left === 0) process.kill(process.pid, 'SIGKILL')
}

/**
 * @param {string} call
 * @param {() => Promise<unknown>} perform
 */
async function mortally(call, perform) {
  dieAt(`before ${call}`)
  const result = await perform()
  dieAt(`after ${call}`)
  return result
}

const { add, send, work } = BullQueue.prototype
Object.assign(BullQueue.prototype, {
  /** @param {string} id */
  add(id, ...more) {
    return mortally(`add ${id}`, () => add.call(this, id, ...more))
  },
  /** @param {string} id */
  send(id, ...more) {
    return mortally(`send ${id}`, () => send.call(this, id, ...more))
  },
  work(step, ...more) {
    const mortal = async job => {
      const { saveIf } = job
      job.saveIf = (...given) => mortally(`save ${job.id}`, () => saveIf(...given))
      const result = await step(job)
      if (result.kind === 'end') dieAt(`before end ${job.id}`)
      return result
    }
    return work.call(this, mortal, ...more)
  },
})

const started = await startBot(read.config, {
  queue: {
    lockDuration: Number(env.LOCK_MS ?? 1_000),
    stalledInterval: Number(env.STALLED_MS ?? 500),
  },
  branchesEvery: Number(env.BRANCHES_MS ?? 1_000),
})

for (const signal of ['SIGTERM', 'SIGINT'])
  process.once(signal, () => void started.stop(signal).then(() => process.exit(0)))
