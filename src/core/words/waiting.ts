/** Why a Run has not begun, in words: for its status and for `/codex status`. */
import type { Awaited } from '../model/views.ts'
import type { Waits } from '../record/run.ts'
import { begun, moment } from '../text/phrases.ts'
import { inlineWords } from '../text/safe-markdown.ts'
import { withCode } from './words.ts'

const maxAwaitedNames = 5

/** What is said of one kind of waiting. */
interface WaitInWords {
  heading: string
  /** What the heading leaves open, and what somebody can do about it. */
  lines: string[]
  /** A sentence without its subject: `waits until 14:02 UTC. …` */
  sentence: string
  /** A change of this is shown at once; that of a place in line is not. */
  key: string
}

export function waitsInWords(waits: Waits, now: number): WaitInWords {
  switch (waits.kind) {
    case 'line':
    case 'session': {
      const { ahead, after } = waits
      // Which one it is, as far as that is known.
      const last =
        after && `${ahead === 1 ? ': ' : ', the last of them '}[#${after.number}](${after.url})`
      return {
        heading: `⏳ Codex waits for its turn · ${ahead === 1 ? 'one run' : `${ahead} runs`} before it${last ?? ''}`,
        lines: [],
        sentence: `waits for its turn. ${ahead === 1 ? 'One run' : `${ahead} runs`} must end first${last ?? ''}.`,
        key: '',
      }
    }
    case 'zero':
      return {
        heading: '⏸️ Codex starts nothing new here',
        lines: [
          limitSentence(waits),
          'Your request is kept. It starts within 15 minutes after the limit is raised.',
        ],
        sentence: `waits. ${limitSentence(waits)}`,
        key: waits.limit,
      }
    case 'until':
      return {
        heading: `⏳ Codex waits until ${moment(waits.at, now)}`,
        lines: [limitSentence(waits)],
        sentence: `waits until ${moment(waits.at, now)}. ${limitSentence(waits)}`,
        key: waits.limit,
      }
    case 'blocked': {
      const awaited = awaitedNames(waits.by, waits.more)
      const isOne = waits.by.length + waits.more === 1
      return {
        heading: `⏳ Codex waits for ${awaited}`,
        lines: [
          `This issue is blocked by:\n\n${awaitedList(waits.by, waits.more)}`,
          `Codex starts by itself when ${isOne ? 'it' : 'the last of them'} is closed. \`/codex --force\` starts it now.`,
        ],
        sentence: `waits until ${awaited} ${isOne ? 'is' : 'are'} closed.`,
        key: awaited,
      }
    }
    case 'open-pulls': {
      const { length: count } = waits.pulls
      const are = `${count === 1 ? 'is' : 'are'} open or on the way`
      return {
        heading: '⏳ Codex waits until one of its pull requests is merged or closed',
        lines: [
          `${count === 1 ? 'One pull request' : `${count} pull requests`} of Codex ${are} in this repository. The limit is ${waits.most}:\n\n${awaitedList(waits.pulls)}`,
          'Codex starts by itself when there is room. `/codex --force` starts it now.',
        ],
        sentence: `waits until a pull request of Codex is merged or closed: ${count} ${are}. The limit is ${waits.most}.`,
        key: awaitedNames(waits.pulls),
      }
    }
  }
}

const limitSentence = ({ limit }: { limit: string }): string => `${begun(withCode(limit, 300))}.`

const awaitedNames = (all: readonly Awaited[], more = 0): string =>
  [
    ...all.slice(0, maxAwaitedNames).map(({ name }) => name),
    ...(more + all.length > maxAwaitedNames ? [`${more + all.length - maxAwaitedNames} more`] : []),
  ].join(', ')

const awaitedList = (all: readonly Awaited[], more = 0): string =>
  [
    ...all
      .slice(0, maxAwaitedNames)
      .map(({ name, title, url }) => `- [${name} ${inlineWords(title, 100)}](${url})`),
    ...(more + all.length > maxAwaitedNames
      ? [`- and ${more + all.length - maxAwaitedNames} more`]
      : []),
  ].join('\n')
