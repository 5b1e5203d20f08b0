/** News of what a pull request needs, told by the branch that it comes from: many of them are one trigger. */
import type { z } from 'zod'
import type { Trigger } from '../../core/model/trigger.ts'
import { limits } from '../../core/record/timing.ts'
import {
  type AppIdentity,
  arrived,
  hashOf,
  type Installed,
  ignored,
  type Normalised,
  repositoryOf,
  withNews,
} from './event.ts'
import type * as payloads from './payloads.ts'

/** By when they came, not happened: whoever looks afterwards sees them all. */
export function headNews(
  payload: Installed<payloads.BasePayload>,
  ref: string | null | undefined,
  deliveryId: string,
): Trigger | undefined {
  const { repository } = payload
  if (!ref || ref === repository.default_branch) return undefined
  const at = Date.now()
  const thread = {
    ...repositoryOf(payload),
    ...{ number: 0, kind: 'pull' as const, url: repository.html_url ?? '' },
  }
  return {
    ...arrived(payload, thread, deliveryId, at),
    id: `checked-${repository.id}-${hashOf(ref)}-${Math.floor(at / limits.checkedEvery)}`,
    kind: 'pull-news',
    news: 'checked',
    head: { ref, sha: '', base: '', repoId: repository.id },
  }
}

const notUsed = ignored('event not used')

type Read<P> = (payload: Installed<P>, deliveryId: string, identity: AppIdentity) => Normalised

export const fromCheckSuite: Read<z.infer<typeof payloads.CheckSuiteEvent>> = (payload, deliveryId) =>
  payload.action === 'completed'
    ? withNews(notUsed, [headNews(payload, payload.check_suite.head_branch, deliveryId)])
    : notUsed

/** Of those that it is the newest commit of, the first that may be of a pull request. */
export const fromStatus: Read<z.infer<typeof payloads.StatusEvent>> = (payload, deliveryId) => {
  const { state, branches, repository } = payload
  const ref = branches.find(({ name }) => name !== repository.default_branch)?.name
  return state === 'pending' ? notUsed : withNews(notUsed, [headNews(payload, ref, deliveryId)])
}

export const fromReviewThread: Read<z.infer<typeof payloads.ReviewThreadEvent>> = (payload, deliveryId) =>
  withNews(notUsed, [headNews(payload, ownRef(payload), deliveryId)])

/** Forks are worked on by nobody here. */
export const ownRef = ({
  pull_request: { head },
  repository,
}: payloads.BasePayload & { pull_request: payloads.PullRequestPayload }): string | undefined =>
  head.repo?.id === repository.id ? head.ref : undefined
