/**
 * Loaded into the playground and its bot: their time is ahead by the milliseconds that stand in CLOCK_FILE, whatever waits
 * for it included. It only goes forward, and one file moves both processes together.
 */
import { readFileSync, watchFile } from 'node:fs'
import { isMainThread } from 'node:worker_threads'

const file = process.env.CLOCK_FILE
const RealDate = Date
const real = { setTimeout, setInterval, now: performance.now.bind(performance) }
let ahead = read()

globalThis.Date = class extends RealDate {
  constructor(...given) {
    if (given.length > 0) super(...given)
    else super(RealDate.now() + ahead)
  }
  static now() {
    return RealDate.now() + ahead
  }
}
performance.now = () => real.now() + ahead

let timers = new Set()
let tidyAt = 1_000
const isAlive = ref => ref.deref()?._destroyed === false

for (const name of ['setTimeout', 'setInterval'])
  globalThis[name] = Object.assign((...given) => {
    const timer = real[name](...given)
    timers.add(new WeakRef(timer))
    if (timers.size > tidyAt) {
      timers = new Set([...timers].filter(isAlive))
      tidyAt = Math.max(1_000, 2 * timers.size)
    }
    return timer
  }, real[name])

function read() {
  try {
    return Number(readFileSync(file, 'utf8')) || 0
  } catch {
    return 0
  }
}

const lengths = new WeakMap()

/** Each timer has so much less left; one that is set anew has its own length again. */
function move(by) {
  const probe = real.setTimeout(() => {}, 1)
  const { refresh } = Object.getPrototypeOf(probe)
  for (const timer of [...timers].filter(isAlive).map(ref => ref.deref())) {
    if (!lengths.has(timer)) lengths.set(timer, timer._idleTimeout)
    timer._idleTimeout = Math.max(1, timer._idleStart + timer._idleTimeout - probe._idleStart - by)
    refresh.call(timer)
    timer.refresh = () => {
      timer._idleTimeout = lengths.get(timer)
      return refresh.call(timer)
    }
  }
  clearTimeout(probe)
}

if (file && isMainThread)
  watchFile(file, { interval: 100, persistent: false }, () => {
    const now = read()
    if (now <= ahead) return
    const by = now - ahead
    ahead = now
    move(by)
  })
