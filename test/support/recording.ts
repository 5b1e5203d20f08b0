/** What the real agent did once, as PostHog's API would have told it at each moment. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'

const Moment = z.looseObject({ at: z.number() })

const LogLine = z.looseObject({ notification: z.looseObject({ method: z.string().optional() }) })

const Recording = z.object({
  header: z.object({
    name: z.string(),
    mode: z.enum(['background', 'interactive']),
    state: z.looseObject({ pending_user_message_id: z.string().optional() }),
  }),
  log: z.array(z.object({ at: z.number(), stored: z.number(), entry: LogLine })),
  row: z.array(
    z.object({
      at: z.number(),
      patch: z.looseObject({
        status: z.string().optional(),
        output: z.record(z.string(), z.unknown()).optional(),
        state: z.record(z.string(), z.unknown()).optional(),
      }),
    }),
  ),
  commands: z.array(
    z.object({
      at: z.number(),
      method: z.string(),
      params: z.looseObject({ content: z.string().optional(), messageId: z.string().optional() }),
    }),
  ),
  marks: z.array(Moment.extend({ what: z.string() })),
})
export type Recording = z.infer<typeof Recording>

/** Among the later ones are logs that PostHog lost, repeated or delayed. */
export const folders = [
  'agent-recordings',
  'agent-recordings-2026-11-30',
  'agent-recordings-2026-12-02',
] as const

const pathOf = (folder: (typeof folders)[number]): string =>
  join(import.meta.dirname, '../data', folder)

export const recordingsIn = (folder: (typeof folders)[number]): string[] =>
  readdirSync(pathOf(folder)).map(name => name.replace('.json', ''))

export function recording(name: string): Recording {
  const folder = folders.find(each => recordingsIn(each).includes(name)) ?? folders[0]
  return Recording.parse(JSON.parse(readFileSync(join(pathOf(folder), `${name}.json`), 'utf8')))
}

/** Instants at which PostHog shows something new, ms since the start of the recording. */
export const instants = ({ log, row }: Recording): number[] =>
  [...new Set([...log.map(({ stored }) => stored), ...row.map(({ at }) => at)])].toSorted(
    (a, b) => a - b,
  )

/** When the last of it was shown, or somebody did something. */
export const lastInstant = (given: Recording): number =>
  Math.max(
    ...instants(given),
    ...given.commands.map(({ at }) => at),
    ...given.marks.map(({ at }) => at),
  )

/** @param begin when the recording began, ms since the epoch */
export const shownLog = ({ log }: Recording, at: number, begin: number): object[] =>
  log
    .filter(({ stored }) => stored <= at)
    .map(entry => ({ ...entry.entry, timestamp: new Date(begin + entry.at).toISOString() }))

/** The run as the serializer shows it; `state` and `output` are merged. */
export function shownRow({ row }: Recording, at: number, begin: number): Record<string, unknown> {
  const shown: Record<string, unknown> = {
    status: 'queued',
    error_message: null,
    output: null,
    state: {},
  }
  const changes = row.filter(each => each.at <= at)
  for (const { patch } of changes) {
    const { output, state, state_remove_keys: _, ...rest } = patch
    Object.assign(shown, rest)
    if (output) shown.output = { ...Object(shown.output), ...output }
    if (state) shown.state = { ...Object(shown.state), ...state }
  }
  const last = changes.at(-1)?.at ?? 0
  return {
    ...shown,
    created_at: new Date(begin).toISOString(),
    updated_at: new Date(begin + last).toISOString(),
  }
}
