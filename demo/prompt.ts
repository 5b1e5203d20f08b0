/** The line that the visitor types on. On a terminal it stands below the thread and moves down with it. */
import { createInterface, type Interface } from 'node:readline'
import type { ReadStream } from 'node:tty'
import { width } from './ink.ts'
import type { Foot, Output } from './screen.ts'

export interface Prompt extends Foot {
  lines: AsyncIterable<string>
  /** Whether a person types, who sees for themselves when it is time for the next line. */
  byHand: boolean
  ask(question: string): void
  close(): void
}

export function openPrompt(input: ReadStream, output: NodeJS.WriteStream): Prompt {
  const byHand = input.isTTY && output.isTTY
  const reader = createInterface({ input, output: byHand ? output : undefined, terminal: byHand })
  reader.on('SIGINT', () => reader.close())
  const lines = reader[Symbol.asyncIterator]()
  const foot = byHand ? footOf(reader, output) : { hide() {}, show() {} }
  return {
    ...foot,
    lines: { [Symbol.asyncIterator]: () => lines },
    byHand: input.isTTY,
    ask: question => {
      foot.hide()
      reader.setPrompt(question)
      foot.show()
    },
    close: () => reader.close(),
  }
}

/** A line that was entered is taken away: it comes back as a comment in the thread. */
function footOf(reader: Interface, output: Output): Foot {
  let rowsBelow = 0
  const erase = (rows: number) => output.write(`${rows > 0 ? `\x1b[${rows}A` : ''}\r\x1b[J`)
  reader.on('line', line => {
    erase(Math.floor(width(reader.getPrompt() + line) / (output.columns || 80)) + 1)
    reader.prompt()
  })
  return {
    hide: () => {
      rowsBelow = reader.getCursorPos().rows
      erase(rowsBelow)
    },
    // The reader begins by going up as many rows as it was down before.
    show: () => {
      output.write('\n'.repeat(rowsBelow))
      reader.prompt(true)
    },
  }
}
