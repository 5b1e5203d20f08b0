/** What the demo itself says, around the threads. */
import type { World } from '../test/world/world.ts'
import { type Line, type Span, span } from './ink.ts'
import type { Times } from './scene.ts'
import { seconds } from './story.ts'

export const overture: Line[] = [
  [],
  [span('  codex-task-bot', 'bold'), span('   a comment in, a pull request out', 'dim')],
  [],
  [span('  Starting an emulated GitHub, an emulated PostHog and the real bot …', 'dim')],
  [],
]

export const cast = ({ github, posthog, bot }: World): Line[] => [
  part('GitHub', github.url, 'emulated: repositories, comments, labels, webhooks'),
  part('PostHog', posthog.url, 'emulated: the Tasks API, with an agent that follows a script'),
  part('The bot', bot.url, 'the real one, as `npm start` runs it, on its embedded queue'),
  [],
]

const part = (name: string, url: string, about: string): Line => [
  span(`  ${name.padEnd(9)}`, 'bold'),
  span(url.padEnd(24), 'cyan'),
  span(about, 'dim'),
]

export function heading(title: string, cells: number): Line[] {
  const words = `━━ ${title} `
  return [[], [span(words + '━'.repeat(Math.max(0, cells - words.length)), 'yellow')], []]
}

export const summary = (ms: number, issue: Times, pull: Times): Line[] => [
  [
    span(`✓ Everything happened, in ${seconds(ms)}`, 'bold', 'green'),
    times('comment', issue, 'pull request linked'),
    times('label', pull, 'commit reported'),
  ],
  [],
]

const times = (from: string, { eyes, status, result }: Times, end: string): Span =>
  span(` · ${from} → 👀 ${exact(eyes)}, first status ${exact(status)}, ${end} ${exact(result)}`)

const exact = (ms: number): string => (ms < 1000 ? `${ms} ms` : seconds(ms))
