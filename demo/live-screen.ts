/**
 * A story drawn in place: from the first line that changed to the end. Lines that have left the top of the
 * window can't be drawn again, so what changes there is told in a note further down.
 */
import { type Line, paint, sameLine, span, wrap } from './ink.ts'
import { type Block, page } from './page.ts'
import { cellsOf, type Foot, type Output, type Screen } from './screen.ts'
import type { Story } from './story.ts'

/** Rows that a long line of the visitor's may take. */
const roomForTyping = 3

export class LiveScreen implements Screen {
  readonly #output: Output
  readonly #colour: boolean
  #foot: Foot | undefined
  #columns: number | undefined
  #drawn: Block[] = []
  /** As they should read, also where they could not be drawn. */
  #known = new Map<string, Line[]>()
  #notes = 0

  constructor(output: Output, colour: boolean) {
    this.#output = output
    this.#colour = colour
  }

  get cells(): number {
    return cellsOf(this.#output)
  }

  standOn(foot: Foot): void {
    this.#foot = foot
  }

  show(story: Story): void {
    if (this.#columns !== this.#output.columns) this.close()
    this.#columns = this.#output.columns
    const next = page(story, this.cells - 1).reduce((drawn, block) => this.#with(drawn, block), this.#drawn)
    this.#draw(next)
  }

  resume(story: Story): void {
    this.show(story)
  }

  print(...lines: Line[]): void {
    this.#notes += 1
    this.#draw([
      ...this.#drawn,
      { key: `note-${this.#notes}`, caption: '', lines: lines.flatMap(line => wrap(line, this.cells)) },
    ])
  }

  close(): void {
    this.#drawn = []
    this.#known = new Map()
  }

  #with(drawn: Block[], block: Block): Block[] {
    const known = this.#known.get(block.key)
    this.#known.set(block.key, block.lines)
    const index = drawn.findIndex(({ key }) => key === block.key)
    const before = drawn[index]
    if (!known || !before) return [...drawn, block]
    if (JSON.stringify(known) === JSON.stringify(block.lines)) return drawn
    if (this.#reaches(drawn, index, firstChange(before.lines, block.lines))) return drawn.with(index, block)
    return [...drawn, this.#note(block, known)]
  }

  #note({ caption, lines }: Block, known: Line[]): Block {
    this.#notes += 1
    const changed = lines.filter(line => line.length > 0 && !known.some(old => sameLine(old, line)))
    const heading: Line = [span(`  ↻ ${caption}, now:`, 'dim')]
    return { key: `note-${this.#notes}`, caption: '', lines: [heading, ...changed, []] }
  }

  #reaches(drawn: readonly Block[], index: number, line: number): boolean {
    const above = drawn.slice(0, index).reduce((sum, { lines }) => sum + lines.length, line)
    const total = drawn.reduce((sum, { lines }) => sum + lines.length, 0)
    const rows = (this.#output.rows || 24) - (this.#foot ? roomForTyping : 0)
    return total - above < rows
  }

  #draw(next: Block[]): void {
    const old = this.#drawn.flatMap(({ lines }) => lines)
    const lines = next.flatMap(block => block.lines)
    const from = firstChange(old, lines)
    this.#drawn = next
    if (from === old.length && from === lines.length) return
    this.#foot?.hide()
    const up = old.length - from
    const rewind = up > 0 ? `\x1b[${up}A\r\x1b[J` : ''
    this.#output.write(
      rewind +
        lines
          .slice(from)
          .map(line => `${paint(line, this.#colour)}\n`)
          .join(''),
    )
    this.#foot?.show()
  }
}

function firstChange(a: readonly Line[], b: readonly Line[]): number {
  const index = a.findIndex((line, at) => !sameLine(line, b[at]))
  return index === -1 ? a.length : index
}
