/** The thread in which pages are read: text of others never holds the event loop of the bot. */
import { parentPort } from 'node:worker_threads'
import { type Reading, type ShownText, shownText } from '../core/text/shown-text.ts'

export interface PageRequest {
  html: string
  reading: Reading
}

export type PageResponse = { kind: 'ready' } | { kind: 'page'; page: ShownText | undefined }

parentPort?.on('message', ({ html, reading }: PageRequest) => {
  parentPort?.postMessage({ kind: 'page', page: shownText(html, reading) } satisfies PageResponse)
})
parentPort?.postMessage({ kind: 'ready' } satisfies PageResponse)
