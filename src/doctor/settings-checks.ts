/** The settings files of owners and repositories. */
import { settingsFile } from '../commands/command-registry.ts'
import type { Config } from '../config.ts'
import { type Check, judged } from '../core/model/check.ts'
import type { OwnerFiles } from '../core/model/ports.ts'
import { fullName, type Repository } from '../core/model/thread.ts'
import { problemsText, settingsPath } from '../core/settings/settings-file.ts'
import type { GitHubApp } from '../github/app-client.ts'
import { filesIn, ownerFilesOf, ownerRepository } from '../github/repository-files.ts'
import { answered, type Question } from './answered.ts'

export const checkSettings = (
  config: Config,
  app: GitHubApp,
  repositories: readonly Repository[],
): Promise<Check[]> =>
  answered(ofSettings, () =>
    Promise.all([
      checkOwners(config, ownerFilesOf(app, Date.now), repositories),
      checkRepositories(app, repositories),
    ]),
  )

const ofSettings: Question = {
  name: 'repository-settings',
  service: 'github',
  fix: 'Look at the checks of the App above.',
}

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
): Promise<Check> {
  const own = repositories.slice(0, maxExamined).filter(each => !isOwnersFile(each))
  const read = await Promise.all(
    own.map(async each => {
      const text = await filesIn(app.forRepo(each), each).text(settingsPath)
      return text === undefined ? [] : [{ name: `${fullName(each)}: ${settingsPath}`, text }]
    }),
  )
  const wrong = problemsOfFiles(read.flat())
  const correct = 'Correct the file on the default branch.'
  return judged('repository-settings', [[wrong !== '', wrong, correct]], 'no errors')
}
