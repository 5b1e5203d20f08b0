/** Removes from text for the agent what a reader of the page can't see. */
import { hiddenWords, withoutHidden } from './hidden-text.ts'
import { invisibleRanges, stripInvisible } from './invisible.ts'
import { keepingRecent } from './recent-texts.ts'
import { timeFor, withinTime } from './within-time.ts'

const numbered = /&#(?:x([0-9a-f]{1,6})|(\d{1,7}));/gi

const withoutInvisibleEntities = (text: string): string =>
  text.replace(numbered, (entity, hex?: string, decimal?: string) => {
    const code = hex === undefined ? Number(decimal) : Number.parseInt(hex, 16)
    return invisibleRanges.some(([from, to]) => from <= code && code <= to) ? '' : entity
  })

/** These have no honest use in a command; joiners and variation selectors make emoji. */
const deceiving = /[\u{e0000}-\u{e0fff}\u202a-\u202e\u2066-\u2069]/u

/** Whether text holds words that the rendered page does not show. */
export function hidesWords(text: string): boolean {
  if (deceiving.test(text)) return true
  // A text that can't be checked in time counts as hiding something.
  const hidden = withinTime(() => hiddenWords(stripInvisible(text)), timeFor(text))
  return hidden?.some(words => /[\p{L}\p{N}]/u.test(words)) ?? true
}

export const visibleText = (text: string, maxLength: number): string => cutAt(visible(text), maxLength)

const visible = keepingRecent(50, text => {
  const source = withoutInvisibleEntities(stripInvisible(text))
  const read = withinTime(() => ({ shown: withoutHidden(source) }), timeFor(text))
  return (read?.shown ?? withoutMarkup(source)).trim()
})

export const visibleCode = (text: string, maxLength: number): string => cutAt(stripInvisible(text), maxLength)

const cutAt = (text: string, maxLength: number): string =>
  text.length > maxLength
    ? `${text.slice(0, maxLength).toWellFormed()}\n[… cut here: the text is longer]`
    : text

/** For text that takes too long: removes every sign that could hide words. */
const withoutMarkup = (text: string): string =>
  text
    .replace(/<!--[\s\S]*?(?:-->|$)/g, '')
    .replace(/<[^<>\n]{0,500}>?|^[^\n]{0,500}\]:.*$|\][([][^)\]\n]{0,500}[)\]]?/gm, ' ')
    .replace(/\$[^$\n]*\$?|^[^\n]*\\[a-z][^\n]*$/gim, ' ')
    .replace(/^((?:[^\S\n]*\|)*[^\S\n]*[^\s|][^|\n]*)\|.*$/gm, '$1')

export interface Part {
  /** What it is, in our words. */
  head: string
  text: string
}

/**
 * Puts texts between two random fences, each below a line that begins with the fence, so that none can end the block
 * or begin another part.
 * @param fence random; removed from the texts
 */
export const fenced = (parts: readonly Part[], fence: string): string =>
  [
    `<<<${fence}`,
    ...parts.map(({ head, text }) => `${fence} ${withoutWord(head, fence)}:\n${withoutWord(text, fence)}\n`),
    `${fence}>>>`,
  ].join('\n')

function withoutWord(text: string, word: string): string {
  const rest = text.replaceAll(word, '')
  return rest === text || word === '' ? rest : withoutWord(rest, word)
}
