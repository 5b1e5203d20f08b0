/**
 * Caps without counters: whether a Run may start is a pure function of the Runs there are, so there is
 * nothing to leak after a crash. Runs under way are capped, and so are starts in a window of time: the long
 * windows are a budget, the short ones a breaker that opens when something loops and heals by itself.
 */

import { isOwner } from '../model/thread.ts'
import { day, minute } from '../model/time.ts'
import type { RepoSettings } from '../settings/repository-settings.ts'
import type { Run } from './run.ts'

export interface OtherRun {
  id: string
  /** ms since the epoch; older Runs go first, those of one moment by id. */
  addedAt: number
  data: Pick<
    Run,
    | 'thread'
    | 'request'
    | 'outcome'
    | 'admitted'
    | 'admissionExpectedAt'
    | 'waitsUntil'
    | 'taskId'
    | 'earlier'
    | 'instructionSent'
    | 'intent'
  > & {
    settings: Pick<RepoSettings, 'limits'>
  }
}

export type Me = OtherRun

/** `ahead`: so many Runs have to end first. `until`: a limit on starts is reached, and lets go then. */
export type Admission = { kind: 'now' } | { kind: 'ahead'; ahead: number } | Until

export type Until = { kind: 'until'; at: number } & ReachedLimit

/** So many runs were started, of so many that may be, in a window of so many ms. */
export interface ReachedLimit {
  of: 'repository' | 'person' | 'thread' | 'owner' | 'bots'
  used: number
  most: number
  window: number
}

export const maxWindowMs = day

/** Starts of one owner in five minutes; not a setting of any one repository, and no other owner feels it. */
const ownersBreaker = 1000

/**
 * Whoever has begun takes a place, and so does whoever was asked for earlier and could begin now. Who waits at a limit
 * of their own takes none, and what other owners do never counts.
 */
export function turnOf(me: Me, others: readonly OtherRun[], now: number): Admission {
  const owned = others.filter(other => other.id !== me.id && isOwned(me, other))
  const begun = owned.filter(({ data }) => data.admitted)
  const waiting = owned.filter(other => isWaiting(other, now) && isOlder(other, me)).toSorted(byAge)
  return placeFor(me, [...begun, ...firstOf(waiting, begun)], now)
}

/** At a limit on starts, a Run has written down itself until when. */
const isWaiting = ({ data }: OtherRun, now: number): boolean =>
  !data.admitted && data.outcome === undefined && (data.waitsUntil?.at ?? 0) <= now

/** Those of the waiting, oldest first, for whom there is room beside those that work. */
function firstOf(waiting: readonly OtherRun[], begun: readonly OtherRun[]): OtherRun[] {
  const taken = new Map<string, number>()
  const take = (other: OtherRun): void => {
    for (const { place } of placesOf(other)) taken.set(place, (taken.get(place) ?? 0) + 1)
  }
  for (const other of begun) if (other.data.outcome === undefined) take(other)
  return waiting.filter(other => {
    const fits = placesOf(other).every(({ place, most }) => (taken.get(place) ?? 0) < most)
    if (fits) take(other)
    return fits
  })
}

/** What a Run takes a place of, and how many there are by its own settings. */
function placesOf({ data: { thread, request, settings } }: OtherRun): { place: string; most: number }[] {
  const { repository, person, owner } = settings.limits
  return [
    { place: 'owner', most: owner },
    { place: `${thread.repoId}`, most: repository },
    { place: `${thread.repoId} ${request.by.id}`, most: person },
  ]
}

function placeFor(me: Me, begun: readonly OtherRun[], now: number): Admission {
  const ahead = aheadOf(me, begun)
  if (ahead > 0) return { kind: 'ahead', ahead }
  return windowsOf(me).reduce<Admission>(
    (turn, window) => {
      const until = closedUntil(window, begun.filter(window.counts), now)
      return until && (turn.kind !== 'until' || until.at > turn.at) ? until : turn
    },
    { kind: 'now' },
  )
}

/**
 * The Runs of other threads that use the session first: an issue and the pull request from it have one together, which
 * serves one set of words at a time. Two that took their turn at one moment each see the other by the time they look
 * once more; then the older one goes on, unless the younger has begun.
 */
export function beforeInSession(me: OtherRun, others: readonly OtherRun[]): OtherRun[] {
  const mine = tasksOf(me)
  return others.filter(
    other =>
      other.id !== me.id &&
      other.data.outcome === undefined &&
      tasksOf(other).some(task => mine.includes(task)) &&
      (me.data.admitted
        ? hasBegun(other) || (other.data.admitted && isOlder(other, me))
        : other.data.admitted || isOlder(other, me)),
  )
}

const tasksOf = ({ data: { taskId, earlier } }: OtherRun): string[] =>
  [taskId, earlier?.taskId].filter(task => task !== undefined)

const hasBegun = ({ data: { admitted, instructionSent, intent } }: OtherRun): boolean =>
  admitted && (instructionSent || intent?.kind === 'rejoin' || intent?.kind === 'start-run')

const byAge = (a: OtherRun, b: OtherRun): number => a.addedAt - b.addedAt || (a.id < b.id ? -1 : 1)
const isOlder = (other: OtherRun, me: OtherRun): boolean => byAge(other, me) < 0

function aheadOf(me: Me, begun: readonly OtherRun[]): number {
  const owned = begun.filter(other => other.data.outcome === undefined)
  const here = owned.filter(other => isHere(me, other))
  const mine = here.filter(other => isMine(me, other))
  const { repository, person, owner } = me.data.settings.limits
  return Math.max(0, here.length - repository + 1, mine.length - person + 1, owned.length - owner + 1)
}

/** Who is about to begin, or did so under an earlier version, has no time of its start. */
const startOf = ({ addedAt, data }: OtherRun): number => data.admissionExpectedAt ?? addedAt

const isOwned = (me: OtherRun, other: OtherRun): boolean => isOwner(other.data.thread, me.data.thread.owner)
const isBots = ({ data }: OtherRun): boolean => data.request.by.app !== undefined
const isHere = (me: OtherRun, other: OtherRun): boolean => other.data.thread.repoId === me.data.thread.repoId
const isMine = (me: OtherRun, other: OtherRun): boolean => other.data.request.by.id === me.data.request.by.id

interface Window {
  of: ReachedLimit['of']
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
    { of: 'repository', length: day, most: limits.repository_per_day, counts: here },
    {
      of: 'person',
      length: day,
      most: limits.person_per_day,
      counts: other => here(other) && isMine(me, other),
    },
    {
      of: 'thread',
      length: day,
      most: limits.thread_per_day,
      counts: inThread,
    },
    {
      of: 'owner',
      length: day,
      most: limits.owner_per_day,
      counts: () => true,
    },
    {
      of: 'bots',
      length: day,
      most: limits.bots_per_thread_per_day,
      // What people ask for is no loop.
      counts: other => isBots(me) && isBots(other) && inThread(other),
    },
    {
      of: 'repository',
      length: 5 * minute,
      most: limits.repository_per_5_minutes,
      counts: here,
    },
    { of: 'owner', length: 5 * minute, most: ownersBreaker, counts: () => true },
  ]
}

/** When enough of the starts that count have left the window; `undefined` when there is room now. */
function closedUntil(
  { of, length, most }: Window,
  counted: readonly OtherRun[],
  now: number,
): Until | undefined {
  const starts = counted
    .map(startOf)
    .filter(at => at > now - length)
    .sort((a, b) => a - b)
  const blocking = starts[starts.length - most]
  return blocking === undefined
    ? undefined
    : { kind: 'until', at: blocking + length, of, used: starts.length, most, window: length }
}
