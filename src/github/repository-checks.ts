import { type Check, found, passed, unanswered } from '../core/model/check.ts'
import { isNotFound } from '../core/model/errors.ts'
import type { OwnerFiles } from '../core/model/ports.ts'
import type { Repository, Thread } from '../core/model/thread.ts'
import type { GitHubApp } from './app-client.ts'
import { ownerRepository } from './owner-files.ts'

const maxExamined = 20

interface Examined {
  repository: Repository
  begun: boolean
  settings: string | undefined
}

export const examineRepositories = (
  app: GitHubApp,
  repositories: readonly Repository[],
  settingsPath: string,
): Promise<Examined[]> =>
  Promise.all(
    repositories.slice(0, maxExamined).map(async repository => {
      const { owner, repo, defaultBranch } = repository
      const { repos } = app.forRepo(repository).rest
      const [branch, file] = await Promise.all([
        orMissing(repos.getBranch({ owner, repo, branch: defaultBranch })),
        orMissing(repos.getContent({ owner, repo, path: settingsPath })),
      ])
      const data = file?.data
      const text =
        data && 'content' in data ? Buffer.from(data.content, 'base64').toString('utf8') : undefined
      return { repository, begun: branch !== undefined, settings: text }
    }),
  )

async function orMissing<T>(request: Promise<T>): Promise<T | undefined> {
  try {
    return await request
  } catch (error) {
    if (isNotFound(error)) return undefined
    throw error
  }
}

interface SettingsReading {
  path: string
  problemsOf(text: string, name: string): string | undefined
  /** Whether nothing starts without the owner's file. */
  isRequired(repository: Repository): boolean
}

export async function checkOwners(
  files: OwnerFiles,
  repositories: readonly Repository[],
  { path, problemsOf, isRequired }: SettingsReading,
): Promise<Check> {
  const owners = new Map(repositories.map(each => [each.owner.toLowerCase(), each]))
  const read = await Promise.all(
    [...owners.values()]
      .slice(0, maxExamined)
      .map(async each => ({ owner: each.owner, each, text: await files(each).file(path) })),
  )
  const lacking = read.filter(({ each, text }) => text === undefined && isRequired(each))
  if (lacking.length > 0)
    return found(
      'owner-settings',
      `SETTINGS_FILE requires ${lacking.map(({ owner }) => `${owner}/${ownerRepository}: ${path}`).join(', ')}, which can not be read`,
      `Install the App on the owner’s repository ${ownerRepository} as well, and put the file there.`,
    )
  const seen = new Set(
    repositories
      .filter(({ repo }) => repo.toLowerCase() === ownerRepository)
      .map(({ owner }) => owner.toLowerCase()),
  )
  const unseen = read.map(({ owner }) => owner).filter(owner => !seen.has(owner.toLowerCase()))
  const having = read.flatMap(({ owner, text }) => (text === undefined ? [] : [{ owner, text }]))
  const wrong = having.flatMap(
    ({ owner, text }) => problemsOf(text, `${owner}/${ownerRepository}: ${path}`) ?? [],
  )
  if (wrong.length > 0)
    return found(
      'owner-settings',
      wrong.join('; '),
      `Mend the file on the default branch of the owner’s repository ${ownerRepository}.`,
    )
  return passed(
    'owner-settings',
    [
      having.length === 0
        ? 'no owner has any that can be read'
        : `those of ${having.map(({ owner }) => owner).join(', ')} can be read`,
      ...(unseen.length > 0
        ? [`of ${unseen.join(', ')} the App can see no repository ${ownerRepository}`]
        : []),
    ].join('; '),
  )
}

export function checkRepositories(
  examined: readonly Examined[],
  { path, problemsOf }: SettingsReading,
): [begun: Check, settings: Check] {
  const nameOf = ({ repository: { owner, repo } }: Examined): string => `${owner}/${repo}`
  const empty = examined.filter(({ begun }) => !begun).map(nameOf)
  const wrong = examined.flatMap(each => {
    if (each.settings === undefined || each.repository.repo.toLowerCase() === ownerRepository) return []
    return problemsOf(each.settings, `${nameOf(each)}: ${path}`) ?? []
  })
  return [
    empty.length > 0
      ? found(
          'repositories',
          `no commit yet in ${empty.join(', ')}`,
          'Push a first commit to the default branch.',
        )
      : passed('repositories', `${examined.length} looked at, each with a default branch`),
    wrong.length > 0
      ? found('repository-settings', wrong.join('; '), 'Mend the file on the default branch.')
      : passed('repository-settings', 'all can be read'),
  ]
}

export async function checkDefaultBranch(app: GitHubApp, thread: Thread): Promise<Check> {
  const { owner, repo } = thread
  const { repos } = app.forRepo(thread).rest
  try {
    const { data } = await repos.get({ owner, repo })
    const branch = await orMissing(repos.getBranch({ owner, repo, branch: data.default_branch }))
    return branch
      ? passed('repositories', `the default branch is ${data.default_branch}`)
      : found(
          'repositories',
          `there is no commit on ${data.default_branch} yet`,
          'Push a first commit to the default branch.',
        )
  } catch (error) {
    return unanswered(
      'repositories',
      `GitHub could not be asked: ${error instanceof Error ? error.message : String(error)}`,
      'See whether the App is still installed on this repository, and ask again.',
    )
  }
}
