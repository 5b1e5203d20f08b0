/** Small words that several comments share: times, addresses, lengths. */
import type { Run } from '../run.ts'
import type { Thread } from '../thread.ts'

/** What the comments need to know of the deployment. */
export interface Deployment {
  /** PostHog's address for people, without a slash at the end. */
  posthogUrl: string
  posthogProject: string
}

/** GitHub refuses longer ones. */
export const maxComment = 65_536

/** `14:02 UTC` */
export const clock = (at: number): string => `${new Date(at).toISOString().slice(11, 16)} UTC`

/** In steps that grow with the time, so that a long run is not edited every minute. */
export function duration(ms: number): string {
  const minutes = Math.floor(ms / 60_000)
  if (minutes < 1) return 'less than a minute'
  if (minutes < 10) return `${minutes} min`
  if (minutes < 60) return `${minutes - (minutes % 5)} min`
  const hours = Math.floor(minutes / 60)
  const rest = Math.floor((minutes % 60) / 10) * 10
  return rest === 0 ? `${hours} h` : `${hours} h ${rest} min`
}

export const elapsed = (run: Run, now: number): string => duration((run.concludedAt ?? now) - run.ask.at)

/** The repository's page, read off the thread's own address, so that it is right on Enterprise Server too. */
export const repoUrl = (thread: Thread): string => thread.url.replace(/\/(?:issues|pull)\/\d+.*$/, '')

export const branchUrl = (thread: Thread, branch: string): string =>
  `${repoUrl(thread)}/tree/${branch.split('/').map(encodeURIComponent).join('/')}`

export function runUrl(run: Run, { posthogUrl, posthogProject }: Deployment): string {
  const task = `${posthogUrl}/project/${posthogProject}/tasks/${run.taskId ?? ''}`
  return run.taskRun ? `${task}?runId=${run.taskRun.id}` : task
}
