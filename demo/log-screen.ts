/** A story told change by change, for pipes and CI: each with its time, and only the lines that are new. */
import { type Line, paint, plain, type Span, span, wrap } from './ink.ts'
import { name, noun, postBody, who } from './page.ts'
import { cellsOf, type Output, type Screen } from './screen.ts'
import { type Post, type Story, seconds } from './story.ts'

const margin = 10
const gutter = span(`${' '.repeat(margin)}│ `, 'dim')

export class LogScreen implements Screen {
  readonly #output: Output
  readonly #colour: boolean
  #story: Story | undefined

  constructor(output: Output, colour: boolean) {
    this.#output = output
    this.#colour = colour
  }

  get cells(): number {
    return cellsOf(this.#output)
  }

  show(story: Story): void {
    const before = this.#story
    this.#story = story
    for (const post of story.posts) {
      const known = before?.posts.find(({ key }) => key === post.key)
      this.print(...(known ? this.#edit(known, post, story) : this.#news(post, story)))
      this.print(...reactionChange(known?.reactions ?? [], post, story.at))
    }
    if (before) this.print(...headChanges(before, story))
  }

  resume(story: Story): void {
    this.#story = story
  }

  print(...lines: Line[]): void {
    for (const line of lines) this.#output.write(`${paint(line, this.#colour)}\n`)
  }

  close(): void {
    if (this.#story) this.print([])
    this.#story = undefined
  }

  #news(post: Post, story: Story): Line[] {
    const what = post.key === 'opening' ? ` opens #${story.number} ${story.title}` : ' comments'
    return [
      at(post.at ?? 0, [...who(post.author), span(what)]),
      ...this.#wrapped(postBody(post, this.cells - margin - 2)),
    ]
  }

  #edit(known: Post, post: Post, story: Story): Line[] {
    if (known.body === post.body) return []
    const old = unwrapped(known).map(plain)
    const fresh = unwrapped(post).filter(line => line.length > 0 && !old.includes(plain(line)))
    const heading = at(post.editedAt ?? story.at, [...who(post.author), span(` edits the ${noun(post)}`)])
    return [heading, ...this.#wrapped(fresh)]
  }

  #wrapped(lines: Line[]): Line[] {
    return lines.flatMap(line => wrap(line, this.cells - margin - 2)).map(line => [gutter, ...line])
  }
}

/** Lines are compared before they are wrapped, so that each is told whole. */
const unwrapped = (post: Post): Line[] => postBody(post, 1_000)

const at = (ms: number, what: Span[]): Line => [span(`${seconds(ms).padStart(margin - 2)}  `, 'dim'), ...what]

function reactionChange(before: readonly string[], post: Post, ms: number): Line[] {
  const { reactions, author } = post
  if (before.join() === reactions.join()) return []
  const now = reactions.join(' ') || 'no reaction'
  const change = before.length > 0 ? `${before.join(' ')} → ${now}` : now
  return [at(ms, [span(`${change}  on ${name(author)}'s ${noun(post)}${opening(post)}`)])]
}

function headChanges(before: Story, { labels, pull, ...story }: Story): Line[] {
  const added = labels.filter(label => !before.labels.includes(label)).map(label => `label ${label} added`)
  const removed = before.labels
    .filter(label => !labels.includes(label))
    .map(label => `label ${label} removed`)
  const pushed =
    pull && pull.sha !== before.pull?.sha ? [`${pull.head} is now at ${pull.sha.slice(0, 7)}`] : []
  return [...added, ...removed, ...pushed].map(what => at(story.at, [span(what, 'yellow')]))
}

/** Somebody may have written several comments. */
function opening({ key, body }: Post): string {
  const [first = ''] = body.split('\n')
  return key === 'opening' ? '' : `  “${first.length > 40 ? `${first.slice(0, 39)}…` : first}”`
}
