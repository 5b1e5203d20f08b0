/**
 * The lines of a page as they are written, one after the other: what stands before each in quotes and lists, blank lines
 * between blocks, and which are their writer's own. Reading ends before a gap that pushes the next word out of sight.
 */

/** A line of a paragraph of the page itself, which may be a command. */
export interface OwnLine {
  /** Where it begins on the page. */
  at: number
  /** How many characters of it are plain words of the writer. */
  plain: number
  /** Where its line begins in the text as it was written. */
  from: number
}

/** Ends what is read; the page then says why. */
export class Cut extends Error {}

/** Characters of a page. */
const maxText = 200_000
/** Rows with nothing to notice that a reader goes past to the next word: about a screen. */
const maxRows = 30
/** Columns of a row of signs that nobody notices: on a narrow screen it has no more. */
const narrow = 60
/** Columns that a reader sees without scrolling, on a wide screen. */
export const maxColumns = 150

/** Letters of scripts that the usual fonts have. Those of others may be blank, as hieroglyphs are, or boxes. */
const drawn = lettersOf(
  'Greek Cyrillic Armenian Georgian Hebrew Arabic Devanagari Bengali Gurmukhi Gujarati Oriya Tamil Telugu Kannada Malayalam Sinhala Ethiopic Bopomofo',
)
/** Letters of scripts that put no space between words, and break lines anywhere. */
export const unspacedLetters = lettersOf(
  'Han Hiragana Katakana Hangul Thai Lao Khmer Myanmar Tibetan',
)

function lettersOf(scripts: string) {
  const letters = scripts.split(' ').map(script => String.raw`\p{Script=${script}}`)
  return letters.join('')
}

/** In some font they are blank, a dot or a dash (measured), or the usual fonts do not have them. */
const unnoticed = String.raw`\p{Lm}\u0674\u0870-\u08ff\u0d4e\u1100-\u11ff\u1fbe\u3127\u3161\u318d\u31a0-\u31bf\u4e00\ua8e0-\ua97f\ud7b0-\ud7ff\ufb1d-\ufeff\uffa0-\uffdc\u{10000}-\u{10ffff}`

/** A reader overlooks digits of other scripts, as some are dots, and signs that are no emoji. */
const noticed = new RegExp(
  String.raw`(?:[0-9\uff10-\uff19]|(?=\p{L})(?![${unnoticed}])[A-Za-z\u00c0-\u024f\u1e00-\u1eff\uff21-\uff5a${drawn}${unspacedLetters}]|\p{Emoji_Presentation})+`,
  'gu',
)

/** Signs beyond the letters of Europe may be wide, and as wide as what they stand for. */
const columnsOf = (signs: string) =>
  signs.normalize('NFKC').length + countOf(/[^\0-\u052f]/gu, signs) + 7 * countOf(/\t/g, signs)

const countOf = (sign: RegExp, signs: string) => signs.match(sign)?.length ?? 0

/** The part of a line that stands in so many columns. */
export function inColumns(line: string, columns: number): string {
  if (columnsOf(line) <= columns) return line
  let end = 0
  let left = columns
  for (const sign of line) {
    left -= columnsOf(sign)
    if (left < 0) break
    end += sign.length
  }
  return line.slice(0, end)
}

const breaks = new RegExp(String.raw`[ \t\n-]|(?=[${unspacedLetters}])`, 'u')

/** The columns of the longest part in which no line breaks. */
export const widestOf = (words: string): number =>
  words.split(breaks).reduce((most, part) => Math.max(most, columnsOf(part)), 0)

export const withoutLongBlanks = (words: string): string => words.replace(/(?<=\S)\s{10,}/g, ' ')

/** Joined once: a text that is looked at after each addition takes time by its square. */
class Words {
  readonly #parts: string[] = []
  length = 0
  endsBlank = false
  /** There is one of the writer's. */
  hasWord = false

  add(words: string) {
    if (words === '') return
    this.#parts.push(words)
    this.length += words.length
    this.endsBlank = /\s$/.test(words)
  }

  get text() {
    return this.#parts.join('')
  }
}

export class ShownLines {
  readonly #written: string[] = []
  readonly #own: (OwnLine & { line: number })[] = []
  /** Words that are gathered before they are written: of links, code, cells. */
  readonly #gathered: Words[] = []
  readonly #indents: { first: string; rest: string; isUsed: boolean }[] = []
  #line = new Words()
  #lineIsOwn: Pick<OwnLine, 'plain' | 'from'> | undefined
  #gap = false
  #length = 0
  /** Since the last word that a reader notices. */
  #rows = 0
  #columns = 0

  get #words() {
    return this.#gathered.at(-1) ?? this.#line
  }

  get isGathering() {
    return this.#gathered.length > 0
  }

  get isAtStart() {
    return this.#words.length === 0 || this.#words.endsBlank
  }

  /** What stands in the line, or is gathered, if it is no more than a sign or two. */
  get start() {
    return this.#words.length > 20 ? undefined : this.#words.text
  }

  gather() {
    this.#gathered.push(new Words())
  }

  gathered(): { text: string; hasWord: boolean } {
    const { text, hasWord } = this.#gathered.pop() ?? new Words()
    if (hasWord) this.#words.hasWord = true
    return { text, hasWord }
  }

  /** The writer's words. @param from where their line begins in the text, if it may be a command */
  say(words: string, from?: number) {
    this.#notice(words)
    const isFirst = this.#words.length === 0
    const seen = withoutLongBlanks(words)
    const said = this.isAtStart ? seen.trimStart() : seen
    if (isFirst && !this.isGathering && from !== undefined && said !== '')
      this.#lineIsOwn = { plain: said.length, from }
    this.put(said)
  }

  /** @throws Cut where the next word is out of sight */
  #notice(words: string) {
    let end = 0
    for (const { 0: found, index } of words.matchAll(noticed)) {
      this.column(columnsOf(words.slice(end, index)))
      if (this.#rows + this.#columns / narrow > maxRows || this.#columns >= maxColumns)
        throw new Cut('the rest stands behind a gap')
      this.#rows = 0
      this.#columns = 0
      if (/[\p{L}\p{N}]/u.test(found)) this.#words.hasWord = true
      end = index + found.length
    }
    this.column(columnsOf(words.slice(end)))
  }

  /** So many rows in which nobody notices anything. */
  row(rows = 1) {
    this.#rows += rows + Math.floor(this.#columns / narrow)
    this.#columns = 0
  }

  column(columns: number) {
    this.#columns += columns
  }

  /** Signs of our own. @throws Cut */
  put(words: string) {
    this.#words.add(words)
    this.#grow(words.length)
  }

  #grow(length: number) {
    this.#length += length
    if (this.#length > maxText) throw new Cut('the text is longer')
  }

  /** Puts words into a line of text, or into a line of their own. */
  placeholder(words: string) {
    const { length, endsBlank } = this.#words
    this.put(length === 0 ? `${words} ` : `${endsBlank ? '' : ' '}${words} `)
  }

  /** Ends a line, be it empty. */
  feed() {
    this.row()
    if (this.isGathering) this.put('\n')
    else this.write(this.#line.text.trimEnd())
  }

  newLine() {
    if (this.isGathering) this.put(' ')
    else if (this.#line.length > 0) this.write(this.#line.text.trimEnd())
  }

  /** Ends what was before it; a blank line follows if anything does. */
  block() {
    this.newLine()
    if (this.isGathering) return
    const within = this.#indents.at(-1)
    if (!within || within.isUsed) this.#gap = this.#written.length > 0
  }

  whole(...lines: readonly string[]) {
    if (this.isGathering) this.put(` ${lines.join(' ')} `)
    else {
      this.block()
      for (const line of lines) this.write(line)
      this.block()
    }
  }

  indent(first: string, rest: string) {
    this.#indents.push({ first, rest, isUsed: false })
  }

  outdent() {
    this.newLine()
    this.#indents.pop()
  }

  #prefix() {
    return this.#indents
      .map(indent => {
        const { first, rest, isUsed } = indent
        indent.isUsed = true
        return isUsed ? rest : first
      })
      .join('')
  }

  write(line: string) {
    if (this.#gap) this.#written.push('')
    this.#gap = false
    if (this.#lineIsOwn) this.#own.push({ ...this.#lineIsOwn, at: 0, line: this.#written.length })
    this.#lineIsOwn = undefined
    this.#line = new Words()
    const prefix = this.#prefix()
    this.#written.push((prefix + line).trimEnd())
    this.#grow(prefix.length + 1)
  }

  /** @param cut why there is more that was not read */
  end(cut: string | undefined): { text: string; own: OwnLine[]; cut: boolean } {
    while (this.isGathering) this.#line.add(this.gathered().text)
    this.#length = 0
    this.newLine()
    this.#indents.length = 0
    if (cut !== undefined) this.whole(`[… cut here: ${cut}]`)
    let at = 0
    const starts = this.#written.map(line => {
      const start = at
      at += line.length + 1
      return start
    })
    return {
      text: this.#written.join('\n').trimEnd(),
      own: this.#own.map(({ line, plain, from }) => ({ at: starts[line] ?? 0, plain, from })),
      cut: cut !== undefined,
    }
  }
}
