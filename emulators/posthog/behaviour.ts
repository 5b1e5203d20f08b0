/** What the agent does with one turn, and which turn gets which behaviour. */

export type Behaviour =
  /** Edits, and publishes a draft pull request if it was asked to; else stops at local changes (review-first). */
  | OpensPull
  /**
   * `edits` are files that it changes and publishes nowhere, `makes` are kept by PostHog. A `refusal` of the model has
   * no error. With `lost`, append_log refuses what is logged of the turn.
   */
  | {
      kind: 'answers'
      text: string
      delay?: number
      edits?: string[]
      makes?: string[]
      stopReason?: string
      lost?: boolean
    }
  /** Its tool `finish`: the row is terminal in the middle of the turn, before `last` is said. */
  | {
      kind: 'finishes'
      status: 'completed' | 'failed'
      reason?: string
      text?: string
      /** From `text` to the call of the tool. */
      delay?: number
      last?: string
    }
  /** It leaves a server behind, which prints a line each second after the turn. */
  | { kind: 'leavesServer'; text: string; delay?: number }
  /** It sets itself a goal, and goes on in turns of its own, of which the last has no end. */
  | { kind: 'pursuesGoal'; goal: string; texts: string[] }
  /** The run ends in the middle of the turn; only a workflow of before says it in the error, newer ones in the state [R]. */
  | { kind: 'stopsShort'; by: StopsShort; text?: string; after?: number }
  /** Codex gives the upstream up with this `message`; `upstreamSays` has real ones. */
  | { kind: 'fails'; message: string; after?: number; text?: string }
  /** A SIGKILL of the sandbox or of Codex, a SIGTERM of the server around it: only that of Codex ends the run. */
  | { kind: 'dies'; who: 'sandbox' | 'agent-server' | 'codex'; text?: string; after?: number }
  /** A person's interrupt, or `close`, in PostHog. */
  | { kind: 'isInterrupted' }
  | { kind: 'isClosed' }
  | { kind: 'hangs' }
  | { kind: 'slow'; ms: number; next?: Behaviour }
  /**
   * A command is asked for in mode `read-only` alone, and waits only in an interactive, watched run. A question waits in
   * an interactive run in plan mode; elsewhere its words end the turn, and `next` is for the answer. Else it goes on with
   * `next`, if nobody says no.
   */
  | {
      kind: 'asksPermission'
      question?: string
      /** What it asks besides, in the same moment. */
      atOnce?: string[]
      of?: 'question' | 'command'
      /** Somebody has set it in PostHog. */
      inMode?: 'plan' | 'read-only'
      /** Of a question that has no yes or no. */
      choices?: string[]
      next?: Behaviour
    }
  /**
   * Without a `branch`, to the one that it was started on. With `anew`, a force push of commits from the default branch on.
   * With `leaves`, it is on none of its own in the end. With `byShell`, its commits name no task.
   */
  | {
      kind: 'pushesToBranch'
      branch?: string
      anew?: true
      leaves?: true
      byShell?: true
      files?: Record<string, string>
      text?: string
    }
  /** The test moves the run with the methods of `posthog.run(id)`. */
  | { kind: 'manual' }

/** How a turn ends: its prompt is answered with a result, or with an error, or not at all. */
export type End =
  | { kind: 'answers'; stopReason: string }
  | { kind: 'fails'; said: string }
  | { kind: 'breaks' }
  /** With a result, and without the rest that ends a turn. */
  | { kind: 'closes' }
  | { kind: 'goal' }

/** What Codex says of faults upstream [P; `unauthorized` and `cutStream` are Codex's own words, of which no recording is here]. */
export const upstreamSays = {
  429: 'exceeded retry limit, last status: 429 Too Many Requests',
  500: "We're currently experiencing high demand, which may cause temporary errors.",
  502: 'unexpected status 502 Bad Gateway: "<html>Bad Gateway</html>", url: https://gateway.example/v1/responses',
  spendLimit:
    'unexpected status 402 Payment Required: This agent run reached its spend limit., url: https://gateway.example/v1/responses',
  unauthorized: 'unexpected status 401 Unauthorized: , url: https://gateway.example/v1/responses',
  unknownModel: (model: string) =>
    JSON.stringify({
      error: {
        message: `The model '${model}' does not exist or you do not have access to it.`,
        type: 'invalid_request_error',
        code: 'model_not_found',
      },
    }),
  contextTooLong:
    "Codex ran out of room in the model's context window. Start a new thread or clear earlier history before retrying.",
  cutStream: 'stream disconnected before completion: stream closed before response.completed',
} as const

export type StopsShort =
  | 'older-workflow'
  | 'sandbox_gone'
  | 'timed_out_wall_clock'
  | 'timed_out_inactivity'

export interface OpensPull {
  kind: 'opensPull'
  delay?: number
  title?: string
  body?: string
  files?: Record<string, string>
  /** Another one than it was told. */
  base?: string
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
export type Matcher =
  | string
  | RegExp
  | { prompt?: string; repository?: string }
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
  if (matcher instanceof RegExp) return matcher.test(turn.prompt)
  const { prompt, repository } = matcher
  const rightRepository = !repository || repository.toLowerCase() === turn.repository.toLowerCase()
  return rightRepository && turn.prompt.includes(prompt ?? '')
}
