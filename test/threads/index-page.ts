/** The page beside the pictures. It names what they show, so that a picture of old words is noticed. */
import { createHash } from 'node:crypto'
import { kinds, type ThreadKind } from './kinds.ts'

const digestOf = ({ comments }: ThreadKind): string =>
  createHash('sha256').update(JSON.stringify(comments)).digest('hex').slice(0, 12)

export function pageOfThreads(): string {
  const parts = Object.entries(kinds).map(
    ([name, kind]) => `## ${kind.title}

<picture>
<source media="(prefers-color-scheme: dark)" srcset="${name}-dark.png">
<img src="${name}-light.png" width="760" alt="${kind.title}: how the thread reads on GitHub">
</picture>

<!-- shows ${digestOf(kind)} -->`,
  )
  return `# What people read

Every kind of thread as GitHub shows it, drawn by \`npm run threads\` from the sentences in \`src/core/comments\`. A test
holds this page to them.

${parts.join('\n\n')}
`
}
