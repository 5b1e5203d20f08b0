/** The settings files of owners and repositories, and whether each repository has a branch to work from. */
import { settingsFile } from '../commands/command-registry.ts'
import type { Config } from '../config.ts'
import { type Check, failedCheck, judged, passedCheck } from '../core/model/check.ts'
import type { OwnerFiles } from '../core/model/ports.ts'
import { fullName, type Repository, type Thread } from '../core/model/thread.ts'
import { problemsText, settingsPath } from '../core/settings/settings-file.ts'
import type { GitHubApp } from '../github/app-client.ts'
import { filesIn, ownerFilesOf, ownerRepository } from '../github/repository-files.ts'
import { unlessGone } from '../github/request-rules.ts'
import { answered, type Question } from './answered.ts'

export const checkSettings = (
  config: Config,
  app: GitHubApp,
  repositories: readonly Repository[],
): Promise<Check[]> =>
  answered(ofRepositories('Look at the checks of the App above.'), async () => {
    const [owners, ofEach] = await Promise.all([
      checkOwners(config, ownerFilesOf(app, Date.now), repositories),
      checkRepositories(app, repositories),
    ])
    return [ofEach.begun, owners, ofEach.settings]
  })

const ofRepositories = (fix: string): Question => ({ name: 'repositories', service: 'github', fix })

const problemsOfFiles = (files: readonly { name: string; text: string }[]) =>
  files
    .flatMap(({ name, text }) => problemsText(settingsFile.read(text).problems, name) || [])
    .join('; ')

const maxExamined = 20

const isOwnersFile = ({ repo }: Repository) => repo.toLowerCase() === ownerRepository

async function checkOwners(
  { settings }: Config,
  files: OwnerFiles,
  repositories: readonly Repository[],
): Promise<Check> {
  const fileOf = (owner: string) => `${owner}/${ownerRepository}: ${settingsPath}`
  const owners = new Map(repositories.map(each => [each.owner.toLowerCase(), each]))
  const read = await Promise.all(
    [...owners.values()]
      .slice(0, maxExamined)
      .map(async each => ({ ...each, text: await files(each).text(settingsPath) })),
  )
  const lacking = read.filter(
    ({ ownerId, text }) =>
      text === undefined && settings.first.owners[ownerId]?.settings === 'required',
  )
  const having = read.flatMap(({ owner, text }) =>
    text === undefined ? [] : [{ owner, name: fileOf(owner), text }],
  )
  const wrong = problemsOfFiles(having)
  const unread = lacking.map(({ owner }) => fileOf(owner)).join(', ')
  const put = `Install the App on the owner’s repository ${ownerRepository} as well, and put the file there.`
  const correct = `Correct the file on the default branch of the owner’s repository ${ownerRepository}.`
  return judged(
    'owner-settings',
    [
      [lacking.length > 0, `SETTINGS_FILE requires ${unread}, which can not be read`, put],
      [wrong !== '', wrong, correct],
    ],
    having.length === 0
      ? 'no owner has a file that the App can read'
      : `no errors in the files of ${having.map(({ owner }) => owner).join(', ')}`,
  )
}

async function checkRepositories(
  app: GitHubApp,
  repositories: readonly Repository[],
): Promise<Record<'begun' | 'settings', Check>> {
  const examined = await Promise.all(
    repositories.slice(0, maxExamined).map(async repository => {
      const client = app.forRepo(repository)
      const [hasBegun, text] = await Promise.all([
        hasBranch(client, repository, repository.defaultBranch),
        filesIn(client, repository).text(settingsPath),
      ])
      const name = fullName(repository)
      const isItsOwn = text !== undefined && !isOwnersFile(repository)
      return { name, hasBegun, files: isItsOwn ? [{ name: `${name}: ${settingsPath}`, text }] : [] }
    }),
  )
  const empty = examined.flatMap(({ name, hasBegun }) => (hasBegun ? [] : [name]))
  const wrong = problemsOfFiles(examined.flatMap(({ files }) => files))
  const well = `${examined.length} checked, each with a default branch`
  const correct = 'Correct the file on the default branch.'
  const none = `no commit yet in ${empty.join(', ')}`
  return {
    begun: judged('repositories', [[empty.length > 0, none, pushFirst]], well),
    settings: judged('repository-settings', [[wrong !== '', wrong, correct]], 'no errors'),
  }
}

const pushFirst = 'Push a first commit to the default branch.'

const hasBranch = async (
  client: ReturnType<GitHubApp['forRepo']>,
  { owner, repo }: Pick<Repository, 'owner' | 'repo'>,
  branch: string,
) => (await unlessGone(() => client.rest.repos.getBranch({ owner, repo, branch }))) !== undefined

export function checkDefaultBranch(app: GitHubApp, thread: Thread): Promise<Check[]> {
  const { owner, repo } = thread
  const client = app.forRepo(thread)
  const fix = 'Check that the App is still installed on this repository. Then try again.'
  return answered(ofRepositories(fix), async () => {
    const branch = (await client.rest.repos.get({ owner, repo })).data.default_branch
    return (await hasBranch(client, thread, branch))
      ? passedCheck('repositories', `the default branch is ${branch}`)
      : failedCheck('repositories', `there is no commit on ${branch} yet`, pushFirst)
  })
}
