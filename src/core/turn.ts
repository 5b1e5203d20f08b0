/**
 * Caps without counters: whether a Run may start is a pure function of the Runs there are, so there is
 * nothing to leak after a crash. Runs under way are capped, and so are starts in a window of time: the long
 * windows are a budget, the short ones a breaker that opens when something loops and heals by itself.
 */
import type { RepoSettings } from './repo-settings.ts'
import type { Run } from './run.ts'

export interface OtherRun {
  id: string
  /** ms since the epoch; older Runs go first, those of one moment by id. */
  addedAt: number
  data: Pick<Run, 'thread' | 'ask' | 'outcome' | 'turn'>
}

export type Me = OtherRun & { data: { settings: Pick<RepoSettings, 'limits'> } }

/** `ahead`: so many Runs have to end first. `until`: a limit on starts is reached, and lets go then. */
export type Turn = { is: 'now' } | { is: 'ahead'; ahead: number } | { is: 'until'; at: number; limit: string }

const minute = 60_000
const day = 24 * 60 * minute
export const longestWindow = day

/** Starts in the whole deployment in five minutes; not a setting of any one repository. */
const deploymentBreaker = 1000

export function turnOf(me: Me, others: readonly OtherRun[], now: number): Turn {
  const older = others.filter(other => other.id !== me.id && isOlder(other, me))
  const ahead = aheadOf(me, older)
  if (ahead > 0) return { is: 'ahead', ahead }
  return windowsOf(me).reduce<Turn>(
    (turn, window) => {
      const at = opensAt(window, older.filter(window.counts), now)
      return at !== undefined && (turn.is !== 'until' || at > turn.at)
        ? { is: 'until', at, limit: window.name }
        : turn
    },
    { is: 'now' },
  )
}

const isOlder = (other: OtherRun, me: OtherRun): boolean =>
  other.addedAt < me.addedAt || (other.addedAt === me.addedAt && other.id < me.id)

function aheadOf(me: Me, older: readonly OtherRun[]): number {
  const live = older.filter(other => other.data.outcome === undefined)
  const owned = live.filter(other => isOwned(me, other))
  const here = live.filter(other => isHere(me, other))
  const mine = here.filter(other => isMine(me, other))
  const { repository, person, owner } = me.data.settings.limits
  return Math.max(0, here.length - repository + 1, mine.length - person + 1, owned.length - owner + 1)
}

const isOwned = (me: OtherRun, other: OtherRun): boolean =>
  other.data.thread.owner.toLowerCase() === me.data.thread.owner.toLowerCase()
const isBots = ({ data }: OtherRun): boolean => data.ask.by.app !== undefined
const isHere = (me: OtherRun, other: OtherRun): boolean => other.data.thread.repoId === me.data.thread.repoId
const isMine = (me: OtherRun, other: OtherRun): boolean => other.data.ask.by.id === me.data.ask.by.id

interface Window {
  name: string
  length: number
  most: number
  counts(other: OtherRun): boolean
}

function windowsOf(me: Me): Window[] {
  const { limits } = me.data.settings
  const here = (other: OtherRun): boolean => isHere(me, other)
  const inThread = (other: OtherRun): boolean =>
    here(other) && other.data.thread.number === me.data.thread.number
  return [
    { name: 'a day in this repository', length: day, most: limits.repository_per_day, counts: here },
    {
      name: 'a day for one person',
      length: day,
      most: limits.person_per_day,
      counts: other => here(other) && isMine(me, other),
    },
    {
      name: 'a day in one thread',
      length: day,
      most: limits.thread_per_day,
      counts: inThread,
    },
    {
      name: 'a day for one owner',
      length: day,
      most: limits.owner_per_day,
      counts: other => isOwned(me, other),
    },
    {
      name: 'a day for bots in one thread',
      length: day,
      most: limits.bots_per_thread_per_day,
      // What people ask for is no loop.
      counts: other => isBots(me) && isBots(other) && inThread(other),
    },
    {
      name: 'five minutes in this repository',
      length: 5 * minute,
      most: limits.repository_per_5_minutes,
      counts: here,
    },
    { name: 'five minutes in all', length: 5 * minute, most: deploymentBreaker, counts: () => true },
  ]
}

/** When enough of those that count have left the window; `undefined` when there is room now. */
function opensAt({ length, most }: Window, counted: readonly OtherRun[], now: number): number | undefined {
  const starts = counted
    .map(({ addedAt }) => addedAt)
    .filter(addedAt => addedAt > now - length)
    .sort((a, b) => a - b)
  const blocking = starts[starts.length - most]
  return blocking === undefined ? undefined : blocking + length
}
