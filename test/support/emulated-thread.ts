/** An issue of the emulated GitHub, and clients that have met no server yet. */
import type { GitHubEmulator } from '../../emulators/github/github.ts'
import type { Thread } from '../../src/core/model/thread.ts'
import { gitHubApp } from '../../src/github/app-client.ts'
import { gitHubThread } from '../../src/github/thread-client.ts'

export async function look({ url, repository }: GitHubEmulator, path: string): Promise<unknown> {
  const headers = { authorization: 'token token-of-olga' }
  return (await fetch(`${url}/repos/${repository}${path}`, { headers })).json()
}

export function clientsFor(
  github: GitHubEmulator,
  repoId: number,
  redact = (text: string) => text,
) {
  const [owner = '', repo = ''] = github.repository.split('/')
  const app = gitHubApp(
    { id: github.appId, privateKey: github.privateKey, apiUrl: github.url },
    Date.now,
  )
  return (number: number, kind: Thread['kind'] = 'issue') => {
    const url = `${github.url}/${github.repository}/${kind === 'pull' ? 'pull' : 'issues'}/${number}`
    const of = {
      owner,
      repo,
      repoId,
      installationId: github.installationId,
      ownerId: 5,
      defaultBranch: 'main',
    }
    return gitHubThread(app, { ...of, number, kind, url }, { now: Date.now, redact })
  }
}
