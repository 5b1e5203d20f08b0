/** What the agent does with one turn, and which turn gets which behaviour. */

export type Behaviour =
  /** Edits, and publishes a draft pull request if it was asked to; else stops at local changes (review-first). */
  | OpensPull
  /**
   * `edits` are files that it changes and publishes nowhere, `makes` are kept by PostHog; only after `end_turn`, the
   * default, it is done.
   */
  | {
      kind: 'answers'
      text: string
      delay?: number
      edits?: string[]
      makes?: string[]
      stopReason?: string
    }
  /** The run ends in the middle of the turn; only a workflow of before says it in the error, newer ones in the state [R]. */
  | { kind: 'stopsShort'; by: StopsShort; text?: string; after?: number }
  | { kind: 'fails'; message: string; after?: number }
  | { kind: 'hangs' }
  | { kind: 'slow'; ms: number; next?: Behaviour }
  /** Goes on with `next` when allowed; else it says that it was not allowed to. */
  | {
      kind: 'asksPermission'
      question?: string
      /** A command's permission is given by itself in background mode; a question waits in both. */
      of?: 'question' | 'command'
      /** Of a question that has no yes or no. */
      choices?: string[]
      next?: Behaviour
    }
  | { kind: 'pushesToBranch'; files?: Record<string, string>; text?: string }
  /** The test moves the run with the methods of `posthog.run(id)`. */
  | { kind: 'manual' }

export type StopsShort = 'older-workflow' | 'sandbox_gone' | 'timed_out_wall_clock' | 'timed_out_inactivity'

export interface OpensPull {
  kind: 'opensPull'
  delay?: number
  title?: string
  body?: string
  files?: Record<string, string>
  /** The agent's last words of the turn. */
  text?: string
  /** Reports this URL and touches no repository. */
  prUrl?: string
}

export interface Turn {
  prompt: string
  repository: string
  taskTitle: string
}

/** A string must occur in the prompt; `''` matches every turn. */
export type Matcher = string | RegExp | { prompt?: string; repository?: string } | ((turn: Turn) => boolean)

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
  if (matcher instanceof RegExp) return matcher.test(turn.prompt)
  const { prompt, repository } = matcher
  const rightRepository = !repository || repository.toLowerCase() === turn.repository.toLowerCase()
  return rightRepository && turn.prompt.includes(prompt ?? '')
}
