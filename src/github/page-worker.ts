/** The thread in which pages are read: text of others never holds the event loop of the bot. */
import { parentPort } from 'node:worker_threads'
import type { SeenPage } from '../core/text/seen-page.ts'
import { shownText } from '../core/text/shown-text.ts'

export type PageRequest = Parameters<typeof shownText>

export type PageResponse = { kind: 'ready' } | { kind: 'page'; page: SeenPage | undefined }

parentPort?.on('message', (request: PageRequest) => {
  parentPort?.postMessage({ kind: 'page', page: shownText(...request) } satisfies PageResponse)
})
parentPort?.postMessage({ kind: 'ready' } satisfies PageResponse)
