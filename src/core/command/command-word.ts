/** What calls the bot at the start of a line, as patterns: the word, `/codex`, or a mention of the App. */
import { unspacedLetters } from '../text/shown-lines.ts'

export function callPattern(
  sourceFor: (calls: string) => string,
  flags: string,
): (calls: string) => RegExp {
  const patterns = new Map<string, RegExp>()
  return calls => {
    const pattern = patterns.get(calls) ?? new RegExp(sourceFor(calls), flags)
    patterns.set(calls, pattern)
    return pattern
  }
}

/** The word without the slash, and the login without the `@`: of letters, digits and hyphens. */
export const namesIn = (calls: string): { word: string; app: string | undefined } => {
  const [word = '', app] = calls.split(' @')
  return { word, app }
}

/** Phones, keyboards and copying put these before a word; the page shows none of them. */
const invisibleSigns = String.raw`\u00ad\u034f\u061c\u180e\u200b-\u200f\u2060-\u2064\ufe00-\ufe0f\ufeff`

/** Markdown allows three spaces before a paragraph; other blanks are a paragraph's own. */
const margin = String.raw`^ {0,3}(?:(?! )[\p{Zs}${invisibleSigns}][\p{Zs}\t${invisibleSigns}]*)?`

/** What follows the word, so that it is neither a part of another one (`/codexes`, `/codex-cli`) nor of a path. */
const wordEnd = [
  '$',
  String.raw`[\s:,]`,
  String.raw`[.!?;:,]+(?:\s|$)`,
  '--[A-Za-z]',
  String.raw`[\u2012-\u2015\u2212]`,
  `[${unspacedLetters}]`,
  // Any sign but ASCII's, and those that close what stands before them or join two words
  String.raw`[^\0-\x7f\p{L}\p{M}\p{N}\p{Pc}\p{Pd}\p{Pe}\p{Pf}\p{Cf}\uff0f]`,
].join('|')

/** Matches both cases of each letter, as Unicode would take more than a letter's two forms for it. */
export const anyCase = (word: string): string =>
  [...word]
    .map(sign => (/[a-z]/i.test(sign) ? `[${sign.toLowerCase()}${sign.toUpperCase()}]` : sign))
    .join('')

/** @param word without the slash: letters, digits and hyphens */
export const slashWord = (word: string, orElse = '(?!)'): string =>
  `/${anyCase(word)}[${invisibleSigns}]*(?=${wordEnd}|${orElse})`

/** Nobody knows whether GitHub makes a link of it, and whether that ends before `[bot]`. */
const mention = (app: string) =>
  String.raw`@${anyCase(app)}(?:\[[bB][oO][tT]\])?[${invisibleSigns}]*(?=${wordEnd})`

/** How a command’s line begins: who mentions the App may write the word all the same. Like `anyPlace` of misplaced commands, for patterns with the flag `u`. */
export const commandStart = (calls: string): string => {
  const { word, app } = namesIn(calls)
  const own = slashWord(word)
  return app === undefined
    ? `${margin}${own}`
    : String.raw`${margin}(?:${own}|${mention(app)}(?:[:,]?[ \t]+${own})?)`
}

/** What may stand between the word and what is asked. */
export const separators = String.raw`(?:[:,\u3001\u3002\u2026\uff01\uff0c\uff0e\uff1a\uff1b]|[.!;](?=[.!;:,]*(?:\s|$)))*`
