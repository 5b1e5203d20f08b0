/** What the agent does with one turn, and which turn gets which behaviour. */
import { z } from 'zod'

export type Behaviour =
  /** Edits, and publishes a draft pull request if it was asked to; else stops at local changes (review-first). */
  | OpensPull
  /** `edits` are files that it changes and publishes nowhere; only after `end_turn`, the default, it is done. */
  | {
      kind: 'answers'
      text: string
      delay?: number | undefined
      edits?: string[] | undefined
      stopReason?: string | undefined
    }
  /** The run ends in the middle of the turn; only a workflow of before says it in the error, newer ones in the state [R]. */
  | { kind: 'stopsShort'; by: StopsShort; text?: string | undefined; after?: number | undefined }
  | { kind: 'fails'; message: string; after?: number | undefined }
  | { kind: 'hangs' }
  | { kind: 'slow'; ms: number; next?: Behaviour | undefined }
  | { kind: 'stuckQueued' }
  /** Goes on with `next` when allowed; else it says that it was not allowed to. */
  | {
      kind: 'asksPermission'
      question?: string | undefined
      /** A command's permission is given by itself in background mode; a question waits in both. */
      of?: 'question' | 'command' | undefined
      /** Of a question that has no yes or no. */
      choices?: string[] | undefined
      next?: Behaviour | undefined
    }
  | { kind: 'deleted'; after?: number | undefined }
  /** After this turn the run looks alive but its workflow is gone: `user_message` gives 409. */
  | { kind: 'goneWorkflow'; next?: Behaviour | undefined }
  | { kind: 'pushesToBranch'; files?: Record<string, string> | undefined; text?: string | undefined }
  /** The test moves the run with the methods of `posthog.run(id)`. */
  | { kind: 'manual' }

const stopsShort = ['older-workflow', 'sandbox_gone', 'timed_out_wall_clock', 'timed_out_inactivity'] as const
export type StopsShort = (typeof stopsShort)[number]

export interface OpensPull {
  kind: 'opensPull'
  delay?: number | undefined
  title?: string | undefined
  body?: string | undefined
  files?: Record<string, string> | undefined
  /** The agent's last words of the turn. */
  text?: string | undefined
  /** Reports this URL and touches no repository. */
  prUrl?: string | undefined
  /** When the branch is the head of an open pull request: report that one as `pr_url`. */
  reportsExistingPull?: boolean | undefined
}

const files = z.record(z.string(), z.string()).optional()
const text = z.string().optional()
const ms = z.number().nonnegative().optional()

export const behaviourSchema: z.ZodType<Behaviour> = z.lazy(() =>
  z.discriminatedUnion('kind', [
    z.object({
      kind: z.literal('opensPull'),
      delay: ms,
      title: text,
      body: text,
      files,
      text,
      prUrl: text,
      reportsExistingPull: z.boolean().optional(),
    }),
    z.object({
      kind: z.literal('answers'),
      text: z.string(),
      delay: ms,
      edits: z.array(z.string()).optional(),
      stopReason: text,
    }),
    z.object({ kind: z.literal('stopsShort'), by: z.enum(stopsShort), text, after: ms }),
    z.object({ kind: z.literal('fails'), message: z.string(), after: ms }),
    z.object({ kind: z.literal('hangs') }),
    z.object({ kind: z.literal('slow'), ms: z.number(), next: behaviourSchema.optional() }),
    z.object({ kind: z.literal('stuckQueued') }),
    z.object({
      kind: z.literal('asksPermission'),
      question: text,
      of: z.enum(['question', 'command']).optional(),
      choices: z.array(z.string()).optional(),
      next: behaviourSchema.optional(),
    }),
    z.object({ kind: z.literal('deleted'), after: ms }),
    z.object({ kind: z.literal('goneWorkflow'), next: behaviourSchema.optional() }),
    z.object({ kind: z.literal('pushesToBranch'), files, text }),
    z.object({ kind: z.literal('manual') }),
  ]),
)

export interface Turn {
  prompt: string
  repository: string
  taskTitle: string
  runId: string
  followUp: boolean
}

/** A string must occur in the prompt; `''` matches every turn. */
export type Matcher =
  | string
  | RegExp
  | { prompt?: string | undefined; repository?: string | undefined }
  | ((turn: Turn) => boolean)

interface Script {
  matcher: Matcher
  behaviour: Behaviour
  left: number
}

export const opensPull: Behaviour = { kind: 'opensPull' }

export class Scripts {
  readonly #scripts: Script[] = []

  add(matcher: Matcher, behaviour: Behaviour, times = Number.POSITIVE_INFINITY): void {
    this.#scripts.unshift({ matcher, behaviour, left: times })
  }

  clear(): void {
    this.#scripts.length = 0
  }

  /** Takes the last registered script that fits and has uses left. */
  take(turn: Turn): Behaviour {
    const script = this.#scripts.find(({ matcher, left }) => left > 0 && fits(matcher, turn))
    if (!script) return opensPull
    script.left -= 1
    return script.behaviour
  }
}

function fits(matcher: Matcher, turn: Turn): boolean {
  if (typeof matcher === 'string') return turn.prompt.includes(matcher)
  if (typeof matcher === 'function') return matcher(turn)
  if (matcher instanceof RegExp) return new RegExp(matcher.source, matcher.flags).test(turn.prompt)
  const { prompt, repository } = matcher
  const rightRepository = !repository || repository.toLowerCase() === turn.repository.toLowerCase()
  return rightRepository && turn.prompt.includes(prompt ?? '')
}
