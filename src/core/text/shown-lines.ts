/** A line that may be a command: its offset, and how many characters of it are plain words of the writer. */
export interface OwnLine {
  at: number
  plain: number
}

/** Lines of a page as they are written: what stands before each in quotes and lists, blank lines between blocks, where commands may be. */
export class ShownLines {
  readonly #written: string[] = []
  readonly #own: OwnLine[] = []
  readonly #indents: { first: string; rest: string; isUsed: boolean }[] = []
  #gap = false
  #isCommand = false
  #plain = 0
  length = 0
  line = ''

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
    this.write(this.line.trimEnd())
  }

  newLine(): void {
    if (this.line !== '') this.feed()
  }

  /** Ends what was before it; a blank line follows if anything does. */
  block(): void {
    this.newLine()
    const within = this.#indents.at(-1)
    if (!within || within.isUsed) this.#gap = this.length > 0
  }

  whole(...lines: readonly string[]): void {
    this.block()
    for (const line of lines) this.write(line)
    this.block()
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
