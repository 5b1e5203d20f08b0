/**
 * Reads pages in a worker thread, one after the other; those of strangers in another one, so that nobody waits for them.
 * A page that takes too long, or kills its thread, is not read.
 */
import { Worker } from 'node:worker_threads'
import type { SeenPage } from '../core/text/seen-page.ts'
import type { PageRequest, PageResponse } from './page-worker.ts'

/** ms for one page, which takes up to 200 on a quiet machine (64 KB of anything). */
const timeLimit = 5_000
/** ms without a page after which the thread ends. */
const idleFor = 60_000

interface Wanted {
  request: PageRequest
  done(page: SeenPage | undefined): void
  failed(error: Error): void
}

/** @returns `undefined` for what is too large, or took too long */
type ReadPage = (...request: PageRequest) => Promise<SeenPage | undefined>

function pageReader(): ReadPage {
  let worker: Worker | undefined
  let isReady = false
  let current: Wanted | undefined
  let timer: NodeJS.Timeout | undefined
  const waiting: Wanted[] = []

  function next(): void {
    if (current) return
    clearTimeout(timer)
    const wanted = waiting[0]
    if (!wanted) {
      worker?.unref()
      timer = setTimeout(stopWorker, idleFor).unref()
      return
    }
    worker ??= startWorker()
    worker.ref()
    if (!isReady) return
    waiting.shift()
    current = wanted
    timer = setTimeout(stopWorker, timeLimit)
    worker.postMessage(wanted.request)
  }

  function startWorker(): Worker {
    const started = newThread()
    started.on('message', (response: PageResponse) => {
      if (started !== worker) return
      if (response.kind === 'ready') isReady = true
      else deliver(response.page)
      next()
    })
    let died: unknown
    started.on('error', error => {
      died = error
    })
    started.on('exit', () => {
      if (started === worker) workerLost(died)
    })
    return started
  }

  function deliver(page: SeenPage | undefined): void {
    const wanted = current
    current = undefined
    wanted?.done(page)
  }

  /** The page in hand is not tried again. A thread that can't even start is a fault of ours. */
  function workerLost(died?: unknown): void {
    worker = undefined
    if (!isReady) waiting.shift()?.failed(new Error('pages can not be read', { cause: died }))
    isReady = false
    deliver(undefined)
    next()
  }

  function stopWorker(): void {
    const ended = worker
    if (!ended) return
    workerLost()
    void ended.terminate()
  }

  return (...request) =>
    new Promise((done, failed) => {
      waiting.push({ request, done, failed })
      next()
    })
}

export const readPage = pageReader()
export const readStrangersPage = pageReader()

function newThread(): Worker {
  const resourceLimits = { maxOldGenerationSizeMb: 256 }
  const { url } = import.meta
  if (!url.endsWith('.ts')) return new Worker(new URL('./page-worker.js', url), { resourceLimits })
  // From the sources, in tests and the demo: a worker has no loader for them of its own.
  const file = new URL('./page-worker.ts', url)
  const loading = `import('tsx/esm/api').then(({ register }) => { register(); return import('${file}') })`
  return new Worker(loading, { eval: true, execArgv: [], resourceLimits })
}
