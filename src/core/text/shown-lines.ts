/** A line that may be a command: its offset, and how many characters of it are plain words of the writer. */
export interface OwnLine {
  at: number
  plain: number
}

/**
 * Lines of a page as they are written: what stands before each in quotes and lists, blank lines between blocks, where
 * commands may be. While words are gathered, all but `say` goes into them.
 */
export class ShownLines {
  readonly #written: string[] = []
  readonly #own: OwnLine[] = []
  /** Words that are gathered before they are written: of links, code, cells. */
  readonly #gathered: { text: string; lines: boolean }[] = []
  readonly #indents: { first: string; rest: string; isUsed: boolean }[] = []
  #gap = false
  #isCommand = false
  #plain = 0
  length = 0
  line = ''

  get gathering(): { text: string; lines: boolean } | undefined {
    return this.#gathered.at(-1)
  }

  gather(as: 'words' | 'lines'): void {
    this.#gathered.push({ text: '', lines: as === 'lines' })
  }

  gathered(): string {
    return this.#gathered.pop()?.text ?? ''
  }

  /** Signs of our own. */
  put(words: string): void {
    if (this.gathering) this.gathering.text += words
    else this.say(words, false, 'sign')
  }

  /** In a line of text, or a line of its own. */
  placeholder(words: string): void {
    if (this.gathering) this.put(` ${words} `)
    else this.say(this.line === '' ? words : ` ${words} `, false)
  }

  say(words: string, isCommand: boolean, sign?: 'sign'): void {
    const said = this.line === '' && sign === undefined ? words.trimStart() : words
    if (said === '') return
    if (this.line === '' && isCommand) {
      this.#isCommand = true
      this.#plain = said.length
    }
    this.line += / $/.test(this.line) && sign === undefined ? said.trimStart() : said
  }

  /** Ends a line, be it empty. */
  feed(): void {
    if (this.gathering) this.put('\n')
    else this.write(this.line.trimEnd())
  }

  newLine(): void {
    if (this.gathering) this.put(' ')
    else if (this.line !== '') this.feed()
  }

  /** Ends what was before it; a blank line follows if anything does. */
  block(): void {
    this.newLine()
    if (this.gathering) return
    const within = this.#indents.at(-1)
    if (!within || within.isUsed) this.#gap = this.length > 0
  }

  whole(...lines: readonly string[]): void {
    if (this.gathering) this.put(` ${lines.join(' ')} `)
    else {
      this.block()
      for (const line of lines) this.write(line)
      this.block()
    }
  }

  indent(first: string, rest: string): () => void {
    this.#indents.push({ first, rest, isUsed: false })
    return () => {
      this.newLine()
      this.#indents.pop()
    }
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
    if (this.#gap) this.#push('')
    this.#gap = false
    const prefix = this.#prefix()
    if (this.#isCommand && prefix === '') this.#own.push({ at: this.length, plain: this.#plain })
    this.#push((prefix + line).trimEnd())
    this.line = ''
    this.#isCommand = false
  }

  #push(line: string): void {
    this.#written.push(line)
    this.length += line.length + 1
  }

  end(): { text: string; own: OwnLine[] } {
    this.newLine()
    return { text: this.#written.join('\n').trimEnd(), own: this.#own }
  }
}
