/** Texts of others as they go into a prompt: without invisible characters, bounded, fenced. */
import { stripInvisible } from './invisible.ts'

/** What a page showed, and what no page shows: titles, paths, lines of code. */
export function plainText(text: string, maxLength: number): string {
  const plain = stripInvisible(text)
  return plain.length > maxLength
    ? `${plain.slice(0, maxLength).toWellFormed()}\n[… cut here: the text is longer]`
    : plain
}

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
