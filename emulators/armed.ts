/** A rule that strikes a number of times, once a number of requests that fit have passed unharmed. */

export interface Counted {
  /** 1 unless told; `Infinity` until cancelled. */
  times?: number
  /** Requests that fit but pass unharmed first. */
  after?: number
  /** Called when it strikes, before anything is done. */
  struck?(): void
}

export class Armed<Rule extends Counted> {
  readonly rule: Rule
  /** How many requests it has struck. */
  hits = 0
  #skips: number
  #left: number

  constructor(rule: Rule) {
    this.rule = rule
    this.#skips = rule.after ?? 0
    this.#left = rule.times ?? 1
  }

  get isLive(): boolean {
    return this.#left > 0
  }

  /** For a request that fits. */
  strikes(): boolean {
    if (this.#skips-- > 0) return false
    this.#left -= 1
    this.hits += 1
    this.rule.struck?.()
    return true
  }

  cancel(): void {
    this.#left = 0
  }
}

/** All that were armed, in order. */
export class Arms<Rule extends Counted> {
  readonly all: Armed<Rule>[] = []

  arm(rule: Rule): Armed<Rule> {
    const armed = new Armed(rule)
    this.all.push(armed)
    return armed
  }

  clear(): void {
    this.all.length = 0
  }
}
