import { setMaxListeners } from 'node:events'

/** Node fires a longer timer at once. */
export const timerMs = (ms: number) => Math.min(ms, 2 ** 31 - 1)

/** Many waits may hang on one of these. */
export function aborter(): AbortController {
  const controller = new AbortController()
  setMaxListeners(0, controller.signal)
  return controller
}

/** A wait that a cancelled run, or the end of the emulator, cuts short. */
export class Interrupted extends Error {}

export function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(new Interrupted())
    const stop = () => {
      clearTimeout(timer)
      reject(new Interrupted())
    }
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', stop)
      resolve()
    }, timerMs(ms))
    timer.unref()
    signal.addEventListener('abort', stop, { once: true })
  })
}

export function forever(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) return reject(new Interrupted())
    signal.addEventListener('abort', () => reject(new Interrupted()), { once: true })
  })
}
