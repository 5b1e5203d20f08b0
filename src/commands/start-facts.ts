import type { SettingsNow } from '../access/read-settings.ts'
import type { Options } from '../core/command/options.ts'
import type { Run } from '../core/run/run.ts'
import type { Request } from './command.ts'
import type { Reads } from './reads.ts'
import { knownFor } from './run-options.ts'
import { completed, forLive, joins, type Settings, type StartFacts, type Wanted } from './start-decision.ts'

export type StartReads = Pick<
  Reads,
  | 'live'
  | 'isOurs'
  | 'head'
  | 'settings'
  | 'past'
  | 'lastRun'
  | 'models'
  | 'branch'
  | 'sandboxes'
  | 'usual'
  | 'paused'
>

export async function startFacts(
  reads: StartReads,
  { trigger, runId }: Request,
  wanted: Wanted,
): Promise<StartFacts> {
  const live = await reads.live()
  if (live?.id === runId) return { kind: 'started' }
  if (!trigger.snapshot.open && (!live || live.mailbox.stop || live.result.outcome)) return { kind: 'closed' }
  if (live && !reads.isOurs(live)) return { kind: 'elsewhere', live }
  if (live) return { kind: 'busy', live, settling: await settlingFor(reads, live, wanted) }
  const [head, settings, past] = await Promise.all([reads.head(), reads.settings(), reads.past()])
  const last = past && !wanted.options.new ? await reads.lastRun(past) : undefined
  const asked = completed(trigger, wanted, { settings: settings.settings, last })
  const settling = await settlingOf(reads, settings, asked.kind === 'completed' ? asked.wanted.options : {})
  return { kind: 'free', head, past, last, paused: reads.paused, settling }
}

async function settlingFor(reads: StartReads, live: Run, wanted: Wanted): Promise<Settings | undefined> {
  if (!joins(live, wanted) || Object.keys(wanted.options).length === 0) return undefined
  return settlingOf(reads, await reads.settings(), forLive(live, wanted))
}

export async function settlingOf(
  reads: Pick<Reads, 'models' | 'branch' | 'sandboxes' | 'usual'>,
  settings: SettingsNow,
  options: Options,
): Promise<Settings> {
  return { ...settings, usual: reads.usual, known: await knownFor(reads, options, settings) }
}
