/**
 * Who drives runs behind the API: the emulated agent, or a real one that a test brings. Both only change the run; the
 * API shows it. When `run.life` is aborted, the run has ended or was deleted, and its sandbox goes.
 */
import type { Reply } from './reply.ts'
import type { Message, Run } from './run.ts'
import type { World } from './world.ts'

export interface Driver {
  /** Begins the workflow of a queued run; ends by itself. */
  start(run: Run): void
  /** Words for a live run, by way of the queue of its workflow. */
  receive(run: Run, message: Message): void
  /** Where the sandbox itself answers what is passed on to it. */
  passOn?(run: Run, command: PassedOn): Promise<Reply>
}

/** JSON-RPC that PostHog hands to the sandbox as it came. */
export interface PassedOn {
  method: string
  params: Record<string, unknown>
  id: string | number | boolean | undefined
}

export type MakeDriver = (world: World) => Driver
