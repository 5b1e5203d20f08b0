/** The lines of a page, as they are written one after the other. */

/** A line that may be a command: its offset, and how many characters of it are plain words of the writer. */
export interface OwnLine {
  at: number
  plain: number
}

/** Characters of a page. */
export const maxText = 200_000
/** Rows with nothing to notice that a reader goes past to the next word: about a screen. */
const maxRows = 30
/** Columns that a reader sees without scrolling, on a wide screen. */
export const maxColumns = 150

/** What a reader notices: signs beside that, and letters that modify others, may be specks, hieroglyphs may be blank. */
const noticed =
  /(?:(?![\p{Lm}\p{Script=Egyptian_Hieroglyphs}])[\p{L}\p{N}\p{Emoji_Presentation}])+/gu

/** Signs beyond the letters of Europe may be wide, and as wide as what they stand for. */
export const columnsOf = (signs: string): number =>
  signs.normalize('NFKC').length + countOf(/[^\0-\u052f]/gu, signs) + 7 * countOf(/\t/g, signs)

const countOf = (sign: RegExp, signs: string): number => signs.match(sign)?.length ?? 0

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

/** Scripts that put no space between words, and break lines anywhere. */
const unspaced = [
  'Han',
  'Hiragana',
  'Katakana',
  'Hangul',
  'Thai',
  'Lao',
  'Khmer',
  'Myanmar',
  'Tibetan',
]
export const unspacedLetters = unspaced.map(script => String.raw`\p{Script=${script}}`).join('')

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

  add(words: string): void {
    if (words === '') return
    this.#parts.push(words)
    this.length += words.length
    this.endsBlank = words.endsWith(' ')
  }

  /** The line's start, if it has no more than a sign or two. */
  get start(): string | undefined {
    return this.length > 20 ? undefined : this.text
  }

  get text(): string {
    return this.#parts.join('')
  }
}

/**
 * Lines of a page as they are written: what stands before each in quotes and lists, blank lines between blocks, where
 * commands may be. While words are gathered, all goes into them. It ends where it has too much, and before a gap that
 * pushes the next word out of sight.
 */
export class ShownLines {
  readonly #written: string[] = []
  readonly #own: OwnLine[] = []
  /** Words that are gathered before they are written: of links, code, cells. */
  readonly #gathered: Words[] = []
  readonly #indents: { first: string; rest: string; isUsed: boolean }[] = []
  #line = new Words()
  #gap = false
  #isCommand = false
  #plain = 0
  /** Where a mention ends that begins the line. */
  #mentionEnd = 0
  #length = 0
  /** The rows since the last word. */
  #rows = 0
  #columns = 0
  #isHidden = false
  #ended: 'long' | 'gap' | undefined

  get isOver(): boolean {
    return this.#ended !== undefined
  }

  get isGathering(): boolean {
    return this.#gathered.length > 0
  }

  get #words(): Words {
    return this.#gathered.at(-1) ?? this.#line
  }

  /** What stands in the line, or is gathered, if it is short. */
  get start(): string | undefined {
    return this.#words.start
  }

  gather(read: () => void): { text: string; hasWord: boolean } {
    const words = new Words()
    this.#gathered.push(words)
    read()
    this.#gathered.pop()
    if (words.hasWord) this.#words.hasWord = true
    return { text: words.text, hasWord: words.hasWord }
  }

  /** Begins another row of the page, or so many. All in it is in sight again. */
  row(rows = 1): void {
    if (rows === 0) return
    this.#rows += rows + Math.floor(this.#columns / maxColumns)
    this.column(0)
  }

  /** A place in the row. */
  column(at = this.#columns + 1): void {
    this.#columns = at
    if (at === 0) this.#isHidden = false
  }

  /** The writer's words, as far as a reader comes. Blanks of code are its writer's. */
  say(words: string, isCommand: boolean, isCode = false): void {
    const visible = this.#visible(words)
    const seen = isCode ? visible : withoutLongBlanks(visible)
    if (this.isGathering) {
      this.put(seen)
      return
    }
    const isFirst = this.#line.length === 0
    const said = isFirst || this.#line.endsBlank ? seen.trimStart() : seen
    if (said === '') return
    if (isFirst && isCommand) {
      this.#isCommand = true
      this.#plain = said.length
    }
    if (isCommand && this.#mentionEnd > 0 && this.#mentionEnd === this.#line.length)
      this.#plain += said.length
    this.put(said)
  }

  /** GitHub's link of a name that the writer wrote plainly, as the text behind it. */
  mention(name: string, isCommand: boolean): void {
    const isFirst = this.#line.length === 0 && !this.isGathering
    if (isFirst && isCommand) {
      this.say(name, true)
      this.#mentionEnd = this.#line.length
    } else this.put(name)
  }

  #visible(words: string): string {
    let end = 0
    for (const { 0: found, index } of this.#isHidden ? [] : words.matchAll(noticed)) {
      this.#columns += columnsOf(words.slice(end, index))
      if (this.#rows > maxRows) {
        this.#ended = 'gap'
        return ''
      }
      if (this.#columns >= maxColumns) {
        this.#isHidden = true
        return `${words.slice(0, end)} [… cut: behind a gap]`
      }
      this.#rows = 0
      this.#columns = 0
      if (/[\p{L}\p{N}]/u.test(found)) this.#words.hasWord = true
      end = index + found.length
    }
    this.#columns += columnsOf(words.slice(end))
    return this.#isHidden ? '' : words
  }

  /** Signs of our own. */
  put(words: string): void {
    this.#words.add(words)
    this.#length += words.length
    if (this.#length > maxText) this.stop()
  }

  /** There is more than is read. */
  stop(): void {
    this.#ended ??= 'long'
  }

  /** Puts words into a line of text, or into a line of their own. */
  placeholder(words: string): void {
    const { length, endsBlank } = this.#words
    this.put(length === 0 ? words : `${endsBlank ? '' : ' '}${words} `)
  }

  /** Ends a line, be it empty. */
  feed(): void {
    this.row()
    if (this.isGathering) this.put('\n')
    else this.write(this.#line.text.trimEnd())
  }

  newLine(): void {
    if (this.isGathering) this.put(' ')
    else if (this.#line.length > 0) this.write(this.#line.text.trimEnd())
  }

  /** Ends what was before it; a blank line follows if anything does. */
  block(): void {
    this.newLine()
    if (this.isGathering) return
    const within = this.#indents.at(-1)
    if (!within || within.isUsed) this.#gap = this.#written.length > 0
  }

  whole(...lines: readonly string[]): void {
    if (this.isGathering) this.put(` ${lines.join(' ')} `)
    else {
      this.block()
      for (const line of lines) this.write(line)
      this.block()
    }
  }

  indented(first: string, rest: string, read: () => void): void {
    if (!this.isGathering) this.#indents.push({ first, rest, isUsed: false })
    read()
    this.newLine()
    if (!this.isGathering) this.#indents.pop()
  }

  #prefix(): string {
    return this.#indents
      .map(indent => {
        const { first, rest, isUsed } = indent
        indent.isUsed = true
        return isUsed ? rest : first
      })
      .join('')
  }

  write(line: string): void {
    if (this.#gap) this.#written.push('')
    this.#gap = false
    const prefix = this.#prefix()
    if (this.#isCommand && prefix === '')
      this.#own.push({ at: this.#written.length, plain: this.#plain })
    this.#written.push((prefix + line).trimEnd())
    this.#length += prefix.length + 1
    if (this.#length > maxText) this.stop()
    this.#line = new Words()
    this.#isCommand = false
    this.#mentionEnd = 0
  }

  /** @param isCut there is more that was not read */
  end(isCut: boolean): { text: string; own: OwnLine[]; cut: boolean } {
    this.newLine()
    if (this.#ended === 'gap') this.whole('[… cut here: the rest stands behind a gap]')
    else if (this.#ended || isCut) this.whole('[… cut here: the text is longer]')
    let at = 0
    const starts = this.#written.map(line => {
      const start = at
      at += line.length + 1
      return start
    })
    return {
      text: this.#written.join('\n').trimEnd(),
      own: this.#own.map(line => ({ ...line, at: starts[line.at] ?? 0 })),
      cut: isCut || this.isOver,
    }
  }
}
