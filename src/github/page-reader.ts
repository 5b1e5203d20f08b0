/**
 * Reads pages in a worker thread, one after the other; those of strangers in another one, so that nobody waits for them.
 * A page that takes too long, or kills its thread, is not read. A short one is read at once.
 */
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import pLimit from 'p-limit'
import { yieldToEventLoop } from '../core/text/event-loop.ts'
import type { SeenPage } from '../core/text/seen-page.ts'
import { isShort, shownText } from '../core/text/shown-text.ts'
import type { PageRequest, PageResponse } from './page-worker.ts'

/** ms for one page, beside what its parser may take. */
const timeLimit = 5_000
/** ms without a page after which the thread ends. */
const idleFor = 60_000

interface Thread {
  worker: Worker
  ready: Promise<unknown>
}

/** @returns `undefined` for what is too large, or took too long */
type ReadPage = (...request: PageRequest) => Promise<SeenPage | undefined>

function pageReader(): ReadPage {
  const inTurn = pLimit(1)
  let thread: Thread | undefined
  let idle: NodeJS.Timeout | undefined

  function start(): Thread {
    const worker = newThread()
    const started = { worker, ready: once(worker, 'message') }
    // What ends it while it reads is no fault: that page is not read.
    worker.on('error', () => {})
    worker.once('exit', () => {
      if (thread === started) thread = undefined
    })
    return started
  }

  function stop() {
    void thread?.worker.terminate()
    thread = undefined
  }

  async function readOne(request: PageRequest): Promise<SeenPage | undefined> {
    clearTimeout(idle)
    thread ??= start()
    const { worker, ready } = thread
    worker.ref()
    // A thread that can't even start is a fault of ours.
    await ready.catch(cause => {
      throw new Error('pages can not be read', { cause })
    })
    worker.postMessage(request)
    try {
      const [response]: PageResponse[] = await once(worker, 'message', {
        signal: AbortSignal.timeout(timeLimit),
      })
      worker.unref()
      idle = setTimeout(stop, idleFor).unref()
      return response?.kind === 'page' ? response.page : undefined
    } catch {
      stop()
      return undefined
    }
  }

  return async (...request) => {
    if (!isShort(request[0])) return inTurn(() => readOne(request))
    await yieldToEventLoop()
    return shownText(...request)
  }
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
