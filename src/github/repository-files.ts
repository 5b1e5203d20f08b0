/**
 * Files of the owner's `.github` repository, fetched by ETag, which costs no rate limit; absence is cached a minute, unless the file had
 * been there.
 */
import type { Octokit } from '@octokit/rest'
import { templatesFolder } from '../core/command/template.ts'
import { isNotFound, Rejected } from '../core/model/errors.ts'
import type { Files, OwnerFiles, ThreadClient } from '../core/model/ports.ts'
import { settingsPath } from '../core/settings/settings-file.ts'
import { madeIn, NewestMap } from '../core/text/newest-map.ts'
import type { GitHubApp } from './app-client.ts'
import type { ThreadAccess } from './read-ahead.ts'
import { unlessGone } from './request-rules.ts'

function filesIn(client: Octokit, { owner, repo }: At): Files {
  const at = { owner, repo }
  return {
    async text(path, commit) {
      const ref = commit === undefined ? {} : { ref: commit }
      const found = await unlessGone(() => client.rest.repos.getContent({ ...at, path, ...ref }))
      return found && fileText(found.data)
    },

    async commits(path) {
      const { data } = await client.rest.repos.listCommits({ ...at, path, per_page: 20 })
      return data.map(({ sha }) => sha)
    },
  }
}

export function repositoryFiles({ client, at, prefetched }: ThreadAccess): ThreadClient['files'] {
  const files = filesIn(client, at)
  return {
    ...files,

    async text(path, commit) {
      const read =
        path === settingsPath && commit === undefined ? prefetched.take('settings') : undefined
      return read ? read.text : files.text(path, commit)
    },

    async names(path) {
      const read = path === templatesFolder ? prefetched.see('templates') : undefined
      if (read) return read
      const found = await unlessGone(() => client.rest.repos.getContent({ ...at, path }))
      return Array.isArray(found?.data) ? found.data.map(({ name }) => name) : []
    },
  }
}

const ownerRepository = '.github'

const absentFor = 60_000
const maxOwners = 1_000

interface Known {
  client: Octokit
  files: Map<string, { etag: string; text: string | undefined }>
  absentUntil: number
}

export function ownerFilesOf(app: GitHubApp, now: () => number): OwnerFiles {
  const owners = new NewestMap<string, Known>(maxOwners)

  return ({ installationId, owner }): Files => {
    const known = madeIn(owners, `${installationId} ${owner.toLowerCase()}`, () => ({
      client: app.forNamed(installationId, ownerRepository),
      files: new Map(),
      absentUntil: 0,
    }))
    const at = { owner, repo: ownerRepository }
    const files = filesIn(known.client, at)
    return {
      async text(path, commit) {
        if (now() < known.absentUntil) return undefined
        const wasThere = known.files.has(path)
        try {
          return await (commit === undefined
            ? newestFile(known, at, path)
            : files.text(path, commit))
        } catch (error) {
          const isAbsent = isNotFound(error) || (error instanceof Rejected && error.status === 422)
          if (!isAbsent) throw error
          if (commit === undefined && !wasThere) known.absentUntil = now() + absentFor
          return undefined
        }
      },
      commits: files.commits,
    }
  }
}

type At = Record<'owner' | 'repo', string>

async function newestFile({ client, files }: Known, at: At, path: string) {
  const kept = files.get(path)
  try {
    const headers = kept ? { 'if-none-match': kept.etag } : {}
    const { data, headers: received } = await client.rest.repos.getContent({ ...at, path, headers })
    const text = fileText(data)
    if (received.etag !== undefined) files.set(path, { etag: received.etag, text })
    return text
  } catch (error) {
    if (kept && error instanceof Rejected && error.status === 304) return kept.text
    files.delete(path)
    throw error
  }
}

const fileText = (data: Awaited<ReturnType<Octokit['rest']['repos']['getContent']>>['data']) =>
  'content' in data && data.type === 'file'
    ? Buffer.from(data.content, 'base64').toString('utf8')
    : undefined
