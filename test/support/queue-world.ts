/** Queues under test: one worker whose processor is chosen by each job, and children to kill. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { rm } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { openQueues, type Queues } from '../../src/queue/open-queues.ts'
import type { Processor, Working } from '../../src/queue/work-queue.ts'
import { newDataDir } from './data-dir.ts'

/** What the jobs of these tests hold: who works them, and something to remember. */
export interface Note {
  by: string
  text?: string
}

export type Place = { redisUrl?: string | undefined; dataDir: string; prefix?: string }
export type TestQueues = Queues<Note, Note>

/** Short enough for a test to wait for a lost worker. */
const TIMING = { lockDuration: 1_500, stalledInterval: 500 }

/** Whose jobs are of a version that this one does not understand. */
export const foreign = new Set<string>()

/** What was stored last of each, as far as it was read. */
export const stored = new Map<string, object>()

function parseMessage(value: unknown): Note {
  if (typeof value !== 'object' || value === null || !('by' in value)) throw new Error('not a note')
  if (foreign.has(String(value.by))) throw new Error('a note of another version')
  stored.set(String(value.by), value)
  const text = 'text' in value ? { text: String(value.text) } : {}
  return { by: String(value.by), ...text }
}

export interface LogLine {
  level: 'warn' | 'error'
  message: string
  facts: object
}

export async function open(
  place: Partial<Place>,
  lines: LogLine[] = [],
  timing: object = TIMING,
): Promise<TestQueues> {
  const log = {
    warn: (facts: object, message: string) => void lines.push({ level: 'warn', message, facts }),
    error: (facts: object, message: string) => void lines.push({ level: 'error', message, facts }),
  }
  const queues = await openQueues({
    dataDir: '/nowhere',
    ...place,
    ...timing,
    triggers: { parse: parseMessage },
    runs: { parse: parseMessage },
    log,
  })
  leftOvers.push(() => queues.close(100))
  return queues
}

/** Works `queue`, each job by the processor that was registered under its `by`. */
export function workBy(
  queue: Pick<TestQueues['runs'], 'work'>,
  processors: Map<string, Processor<Note>>,
  working: Working<Note>,
) {
  const unknown: Processor<Note> = async () => ({ kind: 'park', ms: 60_000 })
  return queue.work(job => (processors.get(job.data.by) ?? unknown)(job), working)
}

/** As `newDataDir`, and gone after the test. */
export async function ownDataDir(): Promise<string> {
  const dataDir = await newDataDir()
  leftOvers.push(() => rm(dataDir, { recursive: true, force: true }))
  return dataDir
}

/** Undone last first: what a failed test left open would keep the process alive. */
const leftOvers: (() => unknown)[] = []

export async function cleanUp(): Promise<void> {
  for (const undo of leftOvers.splice(0).reverse()) await undo()
}

export async function until(
  condition: () => unknown | Promise<unknown>,
  ms = 60_000,
): Promise<void> {
  const deadline = Date.now() + ms
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`waited ${ms} ms in vain`)
    await sleep(5)
  }
}

export async function timed<T>(doing: Promise<T>): Promise<{ ms: number; result: T | Error }> {
  const start = performance.now()
  const result = await doing.catch(error =>
    error instanceof Error ? error : new Error(String(error)),
  )
  return { ms: performance.now() - start, result }
}

/** A process that opens the queues, takes up the jobs `id` (by commas) and never lets go; see `queue-child.ts`. */
export async function childHolding(
  place: Place,
  id: string,
  timing: object = TIMING,
): Promise<ChildProcess> {
  const given = [JSON.stringify(place), id, JSON.stringify(timing)]
  const child = spawn(process.execPath, [process.env.QUEUE_CHILD ?? '', ...given], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  leftOvers.push(() => child.kill('SIGKILL'))
  await once(child.stdout, 'data')
  return child
}

export async function killHard(child: ChildProcess): Promise<void> {
  const exited = once(child, 'exit')
  child.kill('SIGKILL')
  await exited
}
