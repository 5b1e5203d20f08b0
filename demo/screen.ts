/** Where a story is shown: drawn over and over on a terminal, told change by change anywhere else. */
import type { Line } from './ink.ts'
import type { Story } from './story.ts'

export interface Screen {
  /** Columns to write in. */
  readonly cells: number
  show(story: Story): void
  /** Takes up a story that was shown before. */
  resume(story: Story): void
  /** Below everything so far. */
  print(...lines: Line[]): void
  /** The story is over: what comes is another one. */
  close(): void
  /** Below the story, from now on. */
  standOn?(foot: Foot): void
}

/** What the visitor is typing, which stands below the story and makes room for it. */
export interface Foot {
  hide(): void
  show(): void
}

export interface Output {
  write(text: string): unknown
  readonly columns?: number | undefined
  readonly rows?: number | undefined
}

export const cellsOf = ({ columns }: Output): number => Math.min(columns || 100, 100)
