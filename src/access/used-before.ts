import type { Signer } from '../core/model/marker.ts'
import type { ThreadClient } from '../core/model/ports.ts'

export interface Memory {
  github: Pick<ThreadClient, 'ownCommentsOfRepository'>
  signer: Signer
  repoId: number
}

export async function usedBefore(
  { github, signer, repoId }: Memory,
  login: string,
): Promise<number | undefined> {
  const newestFirst = await github.ownCommentsOfRepository()
  const authors = newestFirst
    .flatMap(({ number, body }) => signer.read(body, { repoId, number }))
    .flatMap(({ backup }) => backup?.request.by ?? [])
  return authors.findLast(by => by.app === undefined && by.login.toLowerCase() === login.toLowerCase())?.id
}
