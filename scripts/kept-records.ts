/**
 * Keeps what this version writes, for the tests of later ones: `npm run records` drives the bot through each kind of
 * thread on a Redis of its own, listens to what it stores there, and keeps in test/data/<version> each record that shows
 * something that those before it do not. The settings beside them, and what no thread needs, are
 * written by hand.
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { Redis } from 'ioredis'
import { z } from 'zod'
import { RunMessage } from '../src/core/record/mailbox-part.ts'
import { markerOf, markerSigner } from '../src/core/record/marker.ts'
import { backupOf } from '../src/core/record/recovery-record.ts'
import { type Run, runFormat } from '../src/core/record/run.ts'
import { startRedis } from '../test/support/redis-server.ts'
import { driveThreads } from '../test/threads/drive.ts'

/** That of test/core/versions.test.ts. */
const signer = markerSigner('the marker key of the fixtures of versions')

const Kept = {
  runs: z.looseObject({ thread: z.unknown(), request: z.unknown(), baseline: z.unknown() }),
  triggers: z.looseObject({ trigger: z.unknown(), done: z.number() }),
  messages: RunMessage,
  errands: z.looseObject({ thread: z.unknown(), sha: z.string(), removing: z.boolean() }),
}
type Kind = keyof typeof Kept
type Stored = Record<string, unknown>

/** Where something stands in it, without numbers of lists, and which of several kinds it is. */
function* placesIn(value: unknown, at = ''): Iterable<string> {
  if (Array.isArray(value)) for (const each of value) yield* placesIn(each, at)
  else if (typeof value === 'object' && value !== null)
    for (const [key, inner] of Object.entries(value))
      yield* placesIn(inner, at === '' ? key : `${at}.${key}`)
  else yield /(^|\.)(kind|what|as|class|state)$/.test(at) ? `${at} ${value}` : at
}

class Shelf {
  readonly #seen = new Set<string>()
  readonly records: { name: string; record: Stored }[] = []

  put(record: Stored): void {
    const places = [...placesIn(record)].filter(place => !this.#seen.has(place))
    if (places.length === 0) return
    for (const place of places) this.#seen.add(place)
    const [first = ''] = places
    const times = this.records.filter(({ name }) => name === `with ${first}`).length
    this.records.push({ name: `with ${first}${times > 0 ? ` ${times + 1}` : ''}`, record })
  }
}

const { version } = z
  .object({ version: z.string() })
  .parse(JSON.parse(await readFile('package.json', 'utf8')))
const folder = `test/data/${version}`
// What a version wrote is never changed.
await mkdir(folder)
const shelves = {
  runs: new Shelf(),
  triggers: new Shelf(),
  messages: new Shelf(),
  errands: new Shelf(),
}
const kinds = Object.keys(shelves).filter((kind): kind is Kind => kind in Kept)

const escapes: Record<string, string> = { n: '\n', r: '\r', t: '\t' }

/** Redis tells it with escapes; ioredis has taken those before quotes away. */
const heard = (text: string): string =>
  Buffer.from(
    text.replaceAll(/\\(?:x([0-9a-f]{2})|(.))/g, (_, hex: string | undefined, sign: string) =>
      hex ? String.fromCharCode(Number.parseInt(hex, 16)) : (escapes[sign] ?? sign),
    ),
    'latin1',
  ).toString()

function hear(text: string): void {
  const [, json] = /^(?:[a-z]{1,10}:)?(\{".*)$/s.exec(text) ?? []
  if (json === undefined) return
  const value: unknown = JSON.parse(heard(json))
  const kind = kinds.find(each => Kept[each].safeParse(value).success)
  if (kind) shelves[kind].put(Object(value))
}

const redis = await startRedis()
const client = new Redis(redis.url)
const listener = await client.monitor()
listener.on('monitor', (_, args: string[]) => {
  for (const text of args) hear(text)
})
await driveThreads({ redisUrl: redis.url })
for (const connection of [listener, client]) connection.disconnect()
await redis.stop()

const commentOf = (run: Run, name: string) => {
  const marker = { ...markerOf(run, 'status'), backup: backupOf(run) }
  const { repoId, number } = run.thread
  return {
    name,
    thread: { repoId, number },
    marker,
    comment: `### Codex\n\n${signer.write(marker)}`,
  }
}
const comments = shelves.runs.records.map(({ name, record }) =>
  commentOf(runFormat.parse(record), name),
)
const markers = shelves.runs.records.slice(0, 1).flatMap(({ record }) =>
  (['closing', 'reply', 'status-reply', 'refusal', 'help', 'pull'] as const).map(as => {
    const run = runFormat.parse(record)
    const marker = { ...markerOf(run, as), as }
    const { repoId, number } = run.thread
    return {
      name: as,
      thread: { repoId, number },
      marker,
      comment: `Said.\n\n${signer.write(marker)}`,
    }
  }),
)

const files = {
  ...Object.fromEntries(kinds.map(kind => [kind, shelves[kind].records])),
  errands: shelves.errands.records.map(({ record }) => ({ name: 'branch', record })),
  comments,
  markers,
}
for (const [name, lines] of Object.entries(files)) {
  await writeFile(
    `${folder}/${name}.jsonl`,
    lines.map(line => `${JSON.stringify(line)}\n`).join(''),
  )
  console.log(`${name}: ${lines.length}`)
}
