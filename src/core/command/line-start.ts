/** How a line begins that is a command, and one that was meant as such. For patterns with the flag `u`. */

/** Phones, keyboards and copying put these before a word; the page shows none of them. */
const unseen = String.raw`\u00ad\u034f\u061c\u180e\u200b-\u200f\u2060-\u2064\ufe00-\ufe0f\ufeff`

/** Markdown allows three spaces before a paragraph; other blanks are a paragraph's own. */
const margin = String.raw`^ {0,3}(?:(?! )[\p{Zs}${unseen}][\p{Zs}\t${unseen}]*)?`

/** Scripts that put no space between words. */
const unspaced = ['Han', 'Hiragana', 'Katakana', 'Hangul', 'Thai', 'Lao', 'Khmer', 'Myanmar', 'Tibetan']
const unspacedLetters = unspaced.map(script => String.raw`\p{Script=${script}}`).join('')

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

/** Without regard to case, as Unicode would take more than a letter's two forms for it. */
const anyCase = (word: string): string =>
  [...word]
    .map(sign => (/[a-z]/i.test(sign) ? `[${sign.toLowerCase()}${sign.toUpperCase()}]` : sign))
    .join('')

/** @param word without the slash: letters, digits and hyphens */
const slashWord = (word: string, orElse = '(?!)'): string =>
  `/${anyCase(word)}[${unseen}]*(?=${wordEnd}|${orElse})`

export const commandStart = (word: string): string => `${margin}${slashWord(word)}`

/** What may stand between the word and what is asked. */
export const separators = String.raw`(?:[:,\u3001\u3002\u2026\uff01\uff0c\uff0e\uff1a\uff1b]|[.!;](?=[.!;:,]*(?:\s|$)))*`

const signs = String.raw`^[ \t]*(?:(?:[-*+]|\d{1,9}[.)]|#{1,6})[ \t]+)*(?:\[[ xX]\][ \t]+)?[*_~]{0,3}`
const inCell = String.raw`\|[ \t]*`

const courtesies =
  'please|pls|plz|kindly|hey|hi|hello|dear|ok|okay|so|now|then|next|and|also|great|good|cool|nice|thanks|thank|you|yes|sure|lgtm|can|could|would|will|team|all|bitte|danke|hallo|por favor|hola|gracias|merci|bonjour|svp'
const address = String.raw`${signs}(?:(?:${courtesies
  .split('|')
  .map(anyCase)
  .join('|')}|@[\w-]{1,39}|\p{Extended_Pictographic}\ufe0f?)[,.!:;…]{0,3}[ \t]+){1,5}`
const afterSentence = String.raw`[\p{L}\p{N}]{3}[.!?…。！？]{1,3}[ \t]+`

/** Where the word begins a list item, heading or cell, or follows a courtesy or a sentence. `word` ends each match. */
export const misplacedStarts = [
  (word: string) => `${signs}${slashWord(word, String.raw`\|`)}`,
  (word: string) => `${inCell}${slashWord(word, String.raw`\|`)}`,
  (word: string) => `${address}${slashWord(word)}`,
  (word: string) => `${afterSentence}${slashWord(word)}(?=[ \t]+[^ \t\n])`,
] as const
