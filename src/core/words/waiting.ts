/** Why a Run has not begun, in words: for its status and for `/codex status`. */
import type { Awaited } from '../model/views.ts'
import type { Waits } from '../record/run.ts'
import { begun, counted, moment } from '../text/phrases.ts'
import { inlineWords } from '../text/safe-markdown.ts'
import { withCode } from './words.ts'

const maxNamed = 5

export function waitingHeading(waits: Waits, now: number): string {
  switch (waits.kind) {
    case 'line':
    case 'session':
      return `⏳ Codex waits for its turn · ${waits.ahead === 1 ? 'one run' : `${waits.ahead} runs`} before it${lastIn(waits)}`
    case 'zero':
      return '⏸️ Codex starts nothing new here'
    case 'until':
      return `⏳ Codex waits until ${moment(waits.at, now)}`
    case 'blocked':
      return `⏳ Codex waits for ${names(waits.by, waits.more)}`
    case 'open-pulls':
      return '⏳ Codex waits for an open pull request'
  }
}

/** Which, as far as that is known. */
function lastIn({ ahead, after }: Waits & { kind: 'line' | 'session' }): string {
  if (!after) return ''
  return `${ahead === 1 ? ': ' : ', the last of them '}[#${after.number}](${after.url})`
}

/** What the heading leaves open, and what somebody can do about it. */
export function waitingLines(waits: Waits): string[] {
  switch (waits.kind) {
    case 'line':
    case 'session':
      return []
    case 'zero':
      return [limitSentence(waits), 'Your request is kept and starts automatically when the limit is raised.']
    case 'until':
      return [limitSentence(waits)]
    case 'blocked':
      return [
        `This issue is blocked by:\n\n${awaitedList(waits.by, waits.more)}`,
        `Codex starts by itself when ${waits.by.length + waits.more === 1 ? 'it' : 'the last of them'} is closed. \`/codex --force\` starts it now.`,
      ]
    case 'open-pulls':
      return [
        `${waits.pulls.length === 1 ? 'One pull request' : `${waits.pulls.length} pull requests`} of Codex ${waits.pulls.length === 1 ? 'is' : 'are'} open or on the way in this repository. The limit is ${waits.most}:\n\n${awaitedList(waits.pulls)}`,
        'Codex starts by itself when there is room. `/codex --force` starts it now.',
      ]
  }
}

/** Gives a sentence without its subject: `waits until 14:02 UTC. …` */
export function waitsInWords(waits: Waits | undefined, now: number): string {
  switch (waits?.kind) {
    case undefined:
      return 'waits for its turn.'
    case 'line':
    case 'session':
      return `waits for its turn. ${waits.ahead === 1 ? 'One run' : `${waits.ahead} runs`} must end first${lastIn(waits)}.`
    case 'zero':
      return `waits. ${limitSentence(waits)}`
    case 'until':
      return `waits until ${moment(waits.at, now)}. ${limitSentence(waits)}`
    case 'blocked':
      return `waits until ${names(waits.by, waits.more)} ${waits.by.length + waits.more === 1 ? 'is' : 'are'} closed.`
    case 'open-pulls':
      return `waits for room: ${counted(waits.pulls.length, 'pull request')} of Codex ${waits.pulls.length === 1 ? 'is' : 'are'} open or on the way. The limit is ${waits.most}.`
  }
}

const limitSentence = ({ limit }: { limit: string }): string => `${begun(withCode(limit, 300))}.`

/** A change of this is shown at once; that of a place in line is not. */
export const waitsKey = (waits: Waits): string => {
  switch (waits.kind) {
    case 'line':
    case 'session':
      return ''
    case 'zero':
    case 'until':
      return waits.limit
    case 'blocked':
      return names(waits.by, waits.more)
    case 'open-pulls':
      return names(waits.pulls)
  }
}

const names = (all: readonly Awaited[], more = 0): string =>
  [
    ...all.slice(0, maxNamed).map(({ name }) => name),
    ...(more + all.length > maxNamed ? [`${more + all.length - maxNamed} more`] : []),
  ].join(', ')

const awaitedList = (all: readonly Awaited[], more = 0): string =>
  [
    ...all.slice(0, maxNamed).map(({ name, title, url }) => `- [${name} ${inlineWords(title, 100)}](${url})`),
    ...(more + all.length > maxNamed ? [`- and ${more + all.length - maxNamed} more`] : []),
  ].join('\n')
