/** Small words that several comments share: times, addresses, lengths. */

import type { Thread } from '../model/thread.ts'
import type { Run } from '../run/run.ts'
import { quoted } from '../text/safe-markdown.ts'

/** What the comments need to know of the deployment. */
export interface Deployment {
  /** PostHog's address for people, without a slash at the end. */
  posthogUrl: string
  posthogProject: string
}

export const agentLeft = 'PostHog did not confirm that the agent was stopped: it may still be working.'

/** GitHub refuses longer ones. */
export const maxComment = 65_536

/** `14:02 UTC` */
export const clock = (at: number): string => `${new Date(at).toISOString().slice(11, 16)} UTC`

const maxAnswer = 20_000
const foldAbove = 1_500

/** What the agent said, safe to show, folded when long. */
export function agentWords(words: string): string {
  const text = quoted(words, maxAnswer)
  if (words.length <= foldAbove) return text
  return `<details><summary>What Codex said</summary>\n\n${text}\n\n</details>`
}

/** `42 s`, `3 min 20 s`, `1 h 12 min` */
export function exactly(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000))
  if (seconds < 60) return `${seconds} s`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 60) return seconds % 60 === 0 ? `${minutes} min` : `${minutes} min ${seconds % 60} s`
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`
}

/** In steps that grow with the time, so that a long run is not edited every minute. */
export function duration(ms: number): string {
  const minutes = Math.floor(ms / 60_000)
  if (minutes < 1) return ''
  if (minutes < 10) return `${minutes} min`
  if (minutes < 60) return `${minutes - (minutes % 5)} min`
  const hours = Math.floor(minutes / 60)
  const rest = Math.floor((minutes % 60) / 10) * 10
  return rest === 0 ? `${hours} h` : `${hours} h ${rest} min`
}

/** ` · 3 min` behind a heading: roughly while it goes on, exactly at the end. */
export function elapsed(run: Run, now: number): string {
  const time =
    run.concludedAt === undefined ? duration(now - run.ask.at) : exactly(run.concludedAt - run.ask.at)
  return time === '' ? '' : ` · ${time}`
}

export const commitUrl = (thread: Thread, sha: string): string => `${repoUrl(thread)}/commit/${sha}`

/** The repository's page, read off the thread's own address, so that it is right on Enterprise Server too. */
const repoUrl = (thread: Thread): string => thread.url.replace(/\/(?:issues|pull)\/\d+.*$/, '')

export const branchUrl = (thread: Thread, branch: string): string =>
  `${repoUrl(thread)}/tree/${branch.split('/').map(inAddress).join('/')}`

/** A bracket would end the address where it stands in Markdown. */
const inAddress = (part: string): string =>
  encodeURIComponent(part).replace(/[()]/g, bracket => (bracket === '(' ? '%28' : '%29'))

export function runUrl(run: Run, { posthogUrl, posthogProject }: Deployment): string {
  const task = `${posthogUrl}/project/${posthogProject}/tasks/${run.taskId ?? ''}`
  return run.taskRun ? `${task}?runId=${run.taskRun.id}` : task
}
