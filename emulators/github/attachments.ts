/**
 * Files that people drag into a text. GitHub keeps them under an address of its pages, which sends who may see
 * them on to signed storage; here the storage is at the same origin.
 */

import { randomInt, randomUUID } from 'node:crypto'
import { type Answer, type ApiRequest, answer, notFound, type Route, route } from './http.ts'

export interface AttachedFile {
  name: string
  type: string
  bytes: Buffer
  /** Only for those who bring a token. */
  private?: boolean
}

export interface Attached {
  url: string
  /** As GitHub writes it into the text. */
  markdown: string
}

export class AttachmentShelf {
  readonly #url: string
  readonly #files = new Map<string, AttachedFile>()

  /** @param url the emulator's own */
  constructor(url: string) {
    this.#url = url
  }

  add(file: AttachedFile): Attached {
    const isImage = file.type.startsWith('image/')
    const path = isImage
      ? `/user-attachments/assets/${randomUUID()}`
      : `/user-attachments/files/${randomInt(1e7, 1e8)}/${encodeURIComponent(file.name)}`
    this.#files.set(path, file)
    const url = this.#url + path
    const alt = file.name.replace(/\.\w+$/, '')
    const image = `<img width="640" height="480" alt="${alt}" src="${url}" />`
    return { url, markdown: isImage ? image : `[${file.name}](${url})` }
  }

  readonly routes: Route[] = [
    route('GET', '/user-attachments/:file{.+}', async request => this.#sendOn(request)),
    route('GET', '/storage/user-attachments/:file{.+}', async (request, { file }) =>
      this.#give(request, `/user-attachments/${file}`),
    ),
  ]

  #sendOn({ actor, path }: ApiRequest): Answer {
    const file = this.#files.get(path)
    if (!file || (file.private && actor.kind === 'anonymous')) return notFound()
    return answer(302, undefined, { location: `${this.#url}/storage${path}?signature=emulated` })
  }

  #give({ query }: ApiRequest, path: string): Answer {
    const file = this.#files.get(path)
    if (!file || query.get('signature') !== 'emulated') return notFound()
    return { status: 200, headers: { 'content-type': file.type }, body: undefined, raw: file.bytes }
  }
}
