/** The page beside the pictures. It names what they show, so that a picture of old words is noticed. */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { z } from 'zod'

const ShownComment = z.object({
  author: z.string(),
  body: z.string(),
  reactions: z.array(z.string()),
  /** As GitHub shows a comment that is marked as outdated. */
  minimized: z.literal(true).optional(),
  /** What is no comment on the thread. */
  as: z.enum(['line', 'review']).optional(),
})
export type ShownComment = z.infer<typeof ShownComment>

const DrivenThread = z.object({
  title: z.string(),
  /** What the picture shows, for who can't see it. */
  alt: z.string(),
  comments: z.array(ShownComment),
  /** Its details are drawn open. */
  unfolded: z.literal(true).optional(),
})
export type DrivenThread = z.infer<typeof DrivenThread>

const DrivenThreads = z.record(z.string(), DrivenThread)
export type DrivenThreads = z.infer<typeof DrivenThreads>

const stored = new URL('../../docs/threads/threads.json', import.meta.url)

/** What the bot posted when it was driven last, by `npm run threads`. */
export const storedThreads = (): DrivenThreads =>
  DrivenThreads.parse(JSON.parse(readFileSync(stored, 'utf8')))

/** Without what each drive has of its own: times, costs, commits, numbers, the delivery that came last. */
export const said = (threads: DrivenThread | DrivenThreads): unknown =>
  JSON.parse(
    JSON.stringify(threads)
      .replaceAll(/\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b/g, 'ID')
      .replaceAll(/\b[0-9a-f]{7,40}\b/g, 'SHA')
      .replaceAll(/(?:\d{4}-\d\d-\d\d )?\d\d:\d\d UTC/g, 'TIME')
      .replaceAll(/(?:\d+ min )?\d+ (?:s|min|ms)\b/g, 'LENGTH')
      // Only a long wait is told.
      .replaceAll('waited LENGTH, worked LENGTH', 'LENGTH')
      .replaceAll(/ · \$\d+\.\d\d/g, '')
      .replaceAll(/issuecomment-\d+/g, 'COMMENT')
      // How many tasks there were before it.
      .replaceAll(/(posthog\/[a-z-]+)-\d+(?=\))/g, '$1-N')
      .replaceAll(/the last one \([^)]*\)/g, 'the last one'),
  )

const digestOf = ({ comments }: DrivenThread): string =>
  createHash('sha256').update(JSON.stringify(comments)).digest('hex').slice(0, 12)

/** What the moving picture of the README shows, in their order. */
export const movingThreads = ['working', 'pull-request'] as const

/** Kept in that picture. */
export const movingDigest = (threads: DrivenThreads): string =>
  movingThreads.map(name => (threads[name] ? digestOf(threads[name]) : '')).join(' ')

export function pageOfThreads(threads: DrivenThreads): string {
  const parts = Object.entries(threads).map(
    ([name, thread]) => `## ${thread.title}

<picture>
<source media="(prefers-color-scheme: dark)" srcset="${name}-dark.png">
<img src="${name}-light.png" width="760" alt="${thread.alt}">
</picture>

<!-- shows ${digestOf(thread)} -->`,
  )
  return `# What people read

What the running bot posts in each kind of thread, reactions included, as GitHub shows it. \`npm run threads\` drives it
and draws the pictures; [threads.json](threads.json) has the words.

${parts.join('\n\n')}
`
}
