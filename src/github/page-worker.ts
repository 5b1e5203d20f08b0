/** The thread in which pages are read: text of others never holds the event loop of the bot. */
import { parentPort } from 'node:worker_threads'
import { type Reading, type ShownText, shownText } from '../core/text/shown-text.ts'

export interface Asked {
  html: string
  reading: Reading
}

export type Read = { page: ShownText | undefined } | 'ready'

parentPort?.on('message', ({ html, reading }: Asked) => {
  const read: Read = { page: shownText(html, reading) }
  parentPort?.postMessage(read)
})
const ready: Read = 'ready'
parentPort?.postMessage(ready)
