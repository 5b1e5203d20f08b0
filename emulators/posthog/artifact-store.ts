/** Uploads in flight, and the pretended object storage they land in. */
import { randomUUID } from 'node:crypto'
import type { ArtifactEntry } from './run.ts'

export interface StagedArtifact {
  /** The task, or the run, it belongs to. */
  owner: string
  entry: ArtifactEntry
  size: number
  finalized: boolean
}

export interface UploadRequest {
  name: string
  type: string
  source: string
  size: number
  contentType: string
}

const hour = 3_600_000

export class ArtifactStore {
  readonly #staged = new Map<string, StagedArtifact & { expires: number }>()
  readonly objects = new Map<string, Buffer>()

  prepare(owner: string, prefix: string, upload: UploadRequest): StagedArtifact {
    const id = randomUUID().replaceAll('-', '')
    const entry: ArtifactEntry = {
      id,
      name: upload.name,
      type: upload.type,
      source: upload.source,
      size: upload.size,
      content_type: upload.contentType,
      storage_path: `${prefix}/artifacts/${id}_${upload.name}`,
      uploaded_at: new Date().toISOString(),
    }
    const staged = { owner, entry, size: upload.size, finalized: false, expires: Date.now() + 24 * hour }
    this.#staged.set(id, staged)
    return staged
  }

  /** Undefined for an id or a path which was not prepared for this owner. */
  prepared(owner: string, id: string, storagePath: string): StagedArtifact | undefined {
    const staged = this.#staged.get(id)
    return staged?.owner === owner && staged.entry.storage_path === storagePath ? staged : undefined
  }

  preparedPath(storagePath: string): StagedArtifact | undefined {
    return [...this.#staged.values()].find(({ entry }) => entry.storage_path === storagePath)
  }

  finalized(owner: string, id: string): StagedArtifact | undefined {
    const staged = this.#staged.get(id)
    const usable = staged?.owner === owner && staged.finalized && staged.expires > Date.now()
    return usable ? staged : undefined
  }

  /** A run takes its staged artifacts with it: they serve once. */
  consume(ids: readonly string[]): void {
    for (const id of ids) this.#staged.delete(id)
  }
}
