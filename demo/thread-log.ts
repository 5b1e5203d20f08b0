/** A thread told change by change: each with its time, and only the lines that are new. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { GitHubEmulator } from '../emulators/github/github.ts'
import type { ThreadView } from '../emulators/github/threads.ts'
import { markdownLines } from './markdown.ts'
import { type Line, plain, type Span, span, wrap } from './terminal.ts'

export interface Printer {
  /** Columns to write in. */
  readonly cells: number
  print(...lines: Line[]): void
}

const margin = 10
const gutter = span(`${' '.repeat(margin)}│ `, 'dim')

export const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`

interface Post {
  /** `opening` for the issue or pull request itself. */
  key: string
  author: string
  body: string
  reactions: string[]
}

const postsOf = (thread: ThreadView): Post[] => [
  { key: 'opening', ...written(thread) },
  ...thread.comments.map(comment => ({ key: `comment-${comment.id}`, ...written(comment) })),
]

const written = ({ author, body, reactions }: Omit<Post, 'key'>): Omit<Post, 'key'> => ({
  author,
  body,
  reactions: [...new Set(reactions.map(emoji))],
})

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

/**
 * @param before as it was told last; without it, all of the thread is new
 * @param at ms since the story began
 */
export function changes(
  before: ThreadView | undefined,
  thread: ThreadView,
  at: number,
  cells: number,
): Line[] {
  const known = new Map(before ? postsOf(before).map(post => [post.key, post]) : [])
  const told = postsOf(thread).flatMap(post => {
    const was = known.get(post.key)
    const words = was ? edited(was, post, at, cells) : posted(post, thread, at, cells)
    return [...words, ...reacted(was?.reactions ?? [], post, at)]
  })
  return before ? [...told, ...headChanges(before, thread, at)] : told
}

function posted(post: Post, { number, title, pull }: ThreadView, at: number, cells: number): Line[] {
  const branches = pull ? `  ${pull.draft ? 'draft, ' : ''}${pull.head} → ${pull.base}` : ''
  const what = post.key === 'opening' ? ` opens #${number} ${title}${branches}` : ' comments'
  return [timed(at, [...who(post.author), span(what)]), ...inMargin(bodyLines(post, cells), cells)]
}

/** Lines are compared before they are wrapped, so that each is told whole. */
function edited(was: Post, post: Post, at: number, cells: number): Line[] {
  if (was.body === post.body) return []
  const old = bodyLines(was, 1_000).map(plain)
  const fresh = bodyLines(post, 1_000).filter(line => line.length > 0 && !old.includes(plain(line)))
  const heading = timed(at, [...who(post.author), span(` edits the ${noun(post)}`)])
  return [heading, ...inMargin(fresh, cells)]
}

function reacted(before: readonly string[], post: Post, at: number): Line[] {
  const { reactions, author } = post
  if (before.join() === reactions.join()) return []
  const now = reactions.join(' ') || 'no reaction'
  const change = before.length > 0 ? `${before.join(' ')} → ${now}` : now
  return [timed(at, [span(`${change}  on ${name(author)}'s ${noun(post)}${firstWords(post)}`)])]
}

function headChanges(before: ThreadView, { labels, pull }: ThreadView, at: number): Line[] {
  const added = labels.filter(label => !before.labels.includes(label)).map(label => `label ${label} added`)
  const removed = before.labels
    .filter(label => !labels.includes(label))
    .map(label => `label ${label} removed`)
  const pushed =
    pull && pull.sha !== before.pull?.sha ? [`${pull.head} is now at ${pull.sha.slice(0, 7)}`] : []
  return [...added, ...removed, ...pushed].map(what => timed(at, [span(what, 'yellow')]))
}

const timed = (ms: number, what: Span[]): Line => [
  span(`${seconds(ms).padStart(margin - 2)}  `, 'dim'),
  ...what,
]

const inMargin = (lines: Line[], cells: number): Line[] =>
  lines.flatMap(line => wrap(line, cells - margin - 2)).map(line => [gutter, ...line])

function bodyLines({ body }: Post, cells: number): Line[] {
  const lines = markdownLines(body, cells - margin - 2)
  return lines.length > 0 ? lines : [[span('No description provided.', 'dim')]]
}

const noun = ({ key }: Post): string => (key === 'opening' ? 'opening post' : 'comment')

/** Somebody may have written several comments. */
function firstWords({ key, body }: Post): string {
  const [first = ''] = body.split('\n')
  return key === 'opening' ? '' : `  “${first.length > 40 ? `${first.slice(0, 39)}…` : first}”`
}

/** GitHub shows an App's login without its ending, and says that it is a bot. */
function who(author: string): Span[] {
  if (!author.endsWith('[bot]')) return [span(author, 'bold', 'green')]
  return [span(name(author), 'bold', 'magenta'), span(' [bot]', 'dim')]
}

const name = (author: string): string => author.replace(/\[bot\]$/, '')

const every = 50

interface Watched {
  github: Pick<GitHubEmulator, 'thread' | 'progress'>
  printer: Printer
  number: number
  /** The reader has seen the thread as it is now. */
  known?: boolean
}

/** Keeps looking at a thread and tells what changed; when nobody has called GitHub since, nothing can have. */
export class Watch {
  readonly number: number
  /** Epoch ms, from which the times of the story count. */
  since = Date.now()
  changedAt = Date.now()
  readonly #watched: Watched
  readonly #looking: Promise<void>
  #over = false
  #seen: ThreadView | undefined

  constructor(watched: Watched) {
    this.#watched = watched
    this.number = watched.number
    this.#looking = this.#keepLooking()
  }

  startClock(): void {
    this.since = Date.now()
  }

  async end(): Promise<void> {
    this.#over = true
    await this.#looking
    await this.#look()
    this.#watched.printer.print([])
  }

  async #keepLooking(): Promise<void> {
    for (let before = ''; !this.#over; ) {
      const { progress } = this.#watched.github
      if (progress !== before) await this.#look()
      before = progress
      await sleep(every)
    }
  }

  async #look(): Promise<void> {
    const { github, printer, known } = this.#watched
    const thread = await github.thread(this.number)
    const before = this.#seen
    if (JSON.stringify(thread) === JSON.stringify(before)) return
    this.#seen = thread
    this.changedAt = Date.now()
    if (before || !known) printer.print(...changes(before, thread, Date.now() - this.since, printer.cells))
  }
}
