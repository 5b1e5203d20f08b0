/**
 * How the data of a job is read from the queue and made ready to be stored.
 * Its format checks it and indexes it, and fields that a newer version wrote are kept.
 */
import { describe } from '../core/model/errors.ts'
import { type IndexEntry, type JobRecord, liveSet } from '../core/model/ports.ts'
import { type Entries, type StoredJob, written } from './queue-backend.ts'
import { UnreadableRecord } from './work-queue.ts'

export interface Format<Data> {
  parse(data: unknown): Data
  index?: Indexing<Data>
}

interface Indexing<Data> {
  /** A new version has the index rebuilt. */
  version: string
  entries(job: Placed<Data>): IndexEntry[]
}

export interface Placed<Data> {
  id: string
  data: Data
  addedAt: number
}

export const entriesIn = <Data>(
  { index }: Pick<Format<Data>, 'index'>,
  job: Placed<Data>,
): IndexEntry[] => (index ? [{ set: liveSet, score: job.addedAt }, ...index.entries(job)] : [])

export const entriesOf = <Data>(format: Pick<Format<Data>, 'index'>, job: Placed<Data>): Entries =>
  format.index ? written(entriesIn(format, job)) : ''

export function isEnded(job: StoredJob): boolean {
  return Boolean(job.finishedOn)
}

export function readData<Data>(queue: string, job: StoredJob, format: Format<Data>): Data {
  try {
    return format.parse(job.data)
  } catch (cause) {
    const message = `job ${job.id} of ${queue} holds data that cannot be read: ${describe(cause)}`
    throw new UnreadableRecord(message, { cause })
  }
}

export function readJob<Data>(
  queue: string,
  job: StoredJob,
  format: Format<Data>,
): JobRecord<Data> {
  return {
    id: job.id ?? '',
    data: readData(queue, job, format),
    standing: isEnded(job) ? 'ended' : 'live',
    addedAt: job.timestamp,
  }
}

/** U+0000 and lone surrogates, neither of which PostgreSQL can store. */
const UNSTORABLE = /[\0\p{Surrogate}]/gu

export function storableText(text: string): string {
  return text.replace(UNSTORABLE, '\u{FFFD}')
}

/** In JSON they are escaped; an escape typed by somebody looks alike and is checked closer. */
const MAY_BE_UNSTORABLE = /\\u(?:0000|d[89a-f])/

export function storable(data: unknown): unknown {
  const json = JSON.stringify(data ?? null)
  if (!MAY_BE_UNSTORABLE.test(json)) return data ?? null
  return JSON.parse(json, (_key, value) =>
    typeof value === 'string' ? storableText(value) : value,
  )
}

type Keyed = Readonly<Record<string, unknown>>

/** Objects that differ in one of these are different things. */
const identity = ['kind', 'by', 'in', 'of', 'id', 'number']

/**
 * Keeps, when a record is saved, what a newer version put in it and this one does not know.
 * @param read what this version understood of `stored`
 */
export function withUnread(stored: unknown, read: unknown, next: unknown): unknown {
  if (Array.isArray(stored) && Array.isArray(read) && Array.isArray(next))
    return next.map(item => {
      const isIt = (each: unknown) =>
        each === item || (isKeyed(each) && isKeyed(item) && isIdentified(each, item))
      // Items are matched by identity, not position.
      const place = read.findIndex(isIt)
      return place < 0 ? item : withUnread(stored[place], read[place], item)
    })
  if (!isKeyed(stored) || !isKeyed(read) || !isKeyed(next) || !isSameThing(read, next)) return next
  const unread = Object.entries(stored).filter(([key]) => own(read, key) === undefined)
  const known = Object.entries(next)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => [key, withUnread(own(stored, key), own(read, key), value)])
  return Object.fromEntries([...unread, ...known])
}

const isIdentified = (one: Keyed, other: Keyed) =>
  identity.some(key => own(one, key) !== undefined) && isSameThing(one, other)

const isSameThing = (one: Keyed, other: Keyed) =>
  identity.every(key => isKeyed(own(one, key)) || own(one, key) === own(other, key))

const isKeyed = (value: unknown): value is Keyed =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const own = (value: Keyed, key: string) => (Object.hasOwn(value, key) ? value[key] : undefined)
