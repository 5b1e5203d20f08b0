/** A thread as a row of posts that remember when they came and when they were last edited. */
import type { PullView, ThreadView } from '../emulators/github/threads.ts'

export interface Post {
  /** `opening` for the issue or pull request itself. */
  key: string
  author: string
  body: string
  reactions: string[]
  /** ms since the start of the story; `undefined` if it was there already. */
  at: number | undefined
  editedAt: number | undefined
}

export interface Story {
  /** When this was seen, ms since its start. */
  at: number
  number: number
  title: string
  state: string
  labels: string[]
  pull: PullView | undefined
  posts: Post[]
}

/** The next page of the story, with the times of the posts that are already known. */
export function tell(before: Story | undefined, thread: ThreadView, at: number): Story {
  const { number, title, state, labels, pull } = thread
  const opening = { key: 'opening', ...written(thread) }
  const comments = thread.comments.map(comment => ({ key: `comment-${comment.id}`, ...written(comment) }))
  const posts = [opening, ...comments].map(post => dated(before?.posts, post, at))
  return { at, number, title, state, labels, pull, posts }
}

type Written = Pick<Post, 'author' | 'body' | 'reactions'>

const written = ({ author, body, reactions }: Written): Written => ({
  author,
  body,
  reactions: reactions.map(emoji).filter((one, index, all) => all.indexOf(one) === index),
})

function dated(known: readonly Post[] | undefined, post: Omit<Post, 'at' | 'editedAt'>, at: number): Post {
  const before = known?.find(({ key }) => key === post.key)
  if (!before) return { ...post, at: known && at, editedAt: undefined }
  return { ...post, at: before.at, editedAt: before.body === post.body ? before.editedAt : at }
}

const pictures: Readonly<Record<string, string>> = {
  '+1': '👍',
  '-1': '👎',
  laugh: '😄',
  confused: '😕',
  heart: '❤️',
  hooray: '🎉',
  rocket: '🚀',
  eyes: '👀',
}

/** From `eyes by codex-bot[bot]`. */
const emoji = (reaction: string): string => pictures[reaction.split(' ')[0] ?? ''] ?? reaction

export const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`
