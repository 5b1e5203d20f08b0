/** What the model has found in the steps of a Run and has not been put right yet. With the last of them this file goes. */
import { type Luck, type Script, scriptWith, stop } from './script.ts'

interface Finding {
  what: string
  /** How it shows among the violations. */
  shows: RegExp
  script: Script
}

/** So many calls go well, then these. */
const after = (calls: number, ...then: Luck[]): Luck[] => [
  ...Array.from({ length: calls }, (): Luck => 'well'),
  ...then,
]
const stopAt = (call: number): Script['events'] => [
  { when: { call }, what: { is: 'note', note: stop('s0') } },
]

/** Needs a luck that is not drawn. */
const undrawn = /^$/

export const openFindings: readonly Finding[] = [
  {
    what: 'a look for a trace that takes long does not show what became visible meanwhile',
    shows: undrawn,
    script: scriptWith({ luck: ['late', 'slow'] }),
  },
  {
    what: 'a task is made, or a run started, after a stop, when the first attempt was lost',
    shows: /^began after a stop/,
    script: scriptWith({ luck: after(3, 'lost before'), events: stopAt(3) }),
  },
  {
    what: 'the instruction is said after a stop, when the first attempt was lost',
    shows: /^began after a stop: say$/,
    script: scriptWith({ earlier: 'listens', luck: after(5, 'lost before'), events: stopAt(5) }),
  },
  {
    what: 'a worker that lost the lock assigns, asks for a review and takes labels off',
    shows: /^(?:assign|request review|remove label) by a worker that lost the lock$/,
    script: scriptWith({ turns: ['opens'], luck: after(10, 'freeze after') }),
  },
  {
    what: 'of two calls at once, the limit of one is forgotten when the other fails first',
    shows: /before the limit is over$/,
    script: scriptWith({ luck: after(14, 'lost after', 'limit') }),
  },
  {
    what: 'PostHog says no while the agent of a pull request goes on, and is asked again and again',
    shows: undrawn,
    script: scriptWith({ turns: ['opens, then goes on'], luck: after(21, 'refused') }),
  },
]
