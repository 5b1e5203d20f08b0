/** A story as blocks of lines, the way its page on GitHub reads. */
import { type Line, type Span, span, wrap } from './ink.ts'
import { markdownLines } from './markdown.ts'
import { type Post, type Story, seconds } from './story.ts'

export interface Block {
  key: string
  /** Begins a note on this block that stands further down. */
  caption: string
  lines: Line[]
}

const rule = span('  │ ', 'dim')

export function page(story: Story, cells: number): Block[] {
  const head: Block = { key: 'head', caption: `#${story.number}`, lines: [...headLines(story, cells), []] }
  return [head, ...story.posts.map(post => block(post, cells))]
}

function headLines({ title, number, state, labels, pull }: Story, cells: number): Line[] {
  const heading: Line = [span(`  ${title} `, 'bold'), span(`#${number}`, 'dim')]
  const mood = pull?.draft ? 'draft' : (pull?.state ?? state)
  const about: Span[] = [span(`  ● ${mood}`, mood === 'open' ? 'green' : 'magenta')]
  if (pull)
    about.push(span(`  ${pull.head} → ${pull.base}`, 'cyan'), span(`  at ${pull.sha.slice(0, 7)}`, 'dim'))
  for (const label of labels) about.push(span('  '), span(`[${label}]`, 'yellow'))
  return [heading, about].flatMap(line => wrap(line, cells))
}

function block(post: Post, cells: number): Block {
  const body = postBody(post, cells - 4)
  const reactions: Line[] = post.reactions.length > 0 ? [[span(post.reactions.join(' '))]] : []
  const lines = [byline(post), ...body, ...reactions].map(line => [rule, ...line])
  return { key: post.key, caption: `${name(post.author)}'s ${noun(post)}`, lines: [...lines, []] }
}

export const noun = ({ key }: Post): string => (key === 'opening' ? 'opening post' : 'comment')

export function postBody({ body }: Post, cells: number): Line[] {
  const lines = markdownLines(body, cells)
  return lines.length > 0 ? lines : [[span('No description provided.', 'dim')]]
}

function byline({ author, at, editedAt }: Post): Line {
  const times = [
    at === undefined ? '' : seconds(at),
    editedAt === undefined ? '' : `edited ${seconds(editedAt)}`,
  ]
  const told = times.filter(time => time !== '').join(', ')
  return [...who(author), span(told && `  ${told}`, 'dim')]
}

/** GitHub shows an App's login without its ending, and says that it is a bot. */
export function who(author: string): Span[] {
  if (!isBot(author)) return [span(author, 'bold', 'green')]
  return [span(name(author), 'bold', 'magenta'), span(' [bot]', 'dim')]
}

const isBot = (author: string): boolean => author.endsWith('[bot]')
export const name = (author: string): string => author.replace(/\[bot\]$/, '')
