/**
 * A comment of ours is said once: it is signed with its marker, and before it is said again the thread is searched for
 * that marker.
 */
import type { GitHubWith } from '../model/ports.ts'
import { minute } from '../model/time.ts'
import type { ReplyRef } from '../model/trigger.ts'
import type { OwnComment } from '../model/views.ts'
import { type Marker, type Signer, sealOf } from '../record/marker.ts'
import { maxComment } from './words.ts'

/** ms: what was said may bear an earlier time, by GitHub's clock. */
const skew = minute

interface Saying {
  marker: Marker
  /** The thread itself, if none. */
  place?: ReplyRef | undefined
  text(): string
}

/** How it is found, if it was said at that time or later, and how it is said. Both give the comment. */
export const saying = (
  github: GitHubWith<'comments.own' | 'comments.post'>,
  signer: Signer,
  { marker, place, text }: Saying,
) => ({
  find: async ({ at }: { at: number }) =>
    commentWith(signer, await ownSince(github, at, place), marker),
  perform: () => github.comments.post(signed(signer, text(), marker), place),
})

export const ownSince = (github: GitHubWith<'comments.own'>, at: number, place?: ReplyRef) =>
  github.comments.own(at - skew, place)

/** The rest of a marker changes with its Run. A last word is that of its round. */
export const commentWith = (signer: Signer, comments: readonly OwnComment[], marker: Marker) =>
  comments.find(({ body }) => markerIn(signer, body, marker))

export const markerIn = (signer: Signer, body: string, { run, as, round, repo, thread }: Marker) =>
  signer
    .read(body, { repoId: repo, number: thread })
    .find(
      known => known.run === run && known.as === as && (as !== 'closing' || known.round === round),
    )

/** Whether the comment has that marker, and says what it said when it was written. */
export const isAsSaid = (signer: Signer, body: string, marker: Marker): boolean =>
  markerIn(signer, body, marker)?.seal === sealOf(body)

/** Cuts the text, never the marker. That of a plan says what the words are. */
export function signed(signer: Signer, text: string, marker: Marker): string {
  const isPlan = marker.as === 'closing' && marker.what === 'plan'
  const markOf = (words: string) =>
    signer.write(isPlan ? { ...marker, seal: sealOf(words) } : marker)
  const words = text.slice(0, maxComment - markOf('').length - 2)
  return `${words}\n\n${markOf(words)}`
}
