import type { CheckReport } from '../model/views.ts'
import { settingsPath } from '../settings/repository-file.ts'
import type { SettingsProblem } from '../settings/settings-file.ts'
import { code } from '../text/safe-markdown.ts'
import { counted, withCode } from './words.ts'

const maxAnnotations = 50

export function settingsCheck(problems: readonly SettingsProblem[]): Omit<CheckReport, 'id'> {
  const name = 'codex settings'
  if (problems.length === 0)
    return {
      name,
      well: true,
      title: `${settingsPath} is correct`,
      summary: 'It applies when it is on the default branch. `/codex config` shows the settings then.',
      annotations: [],
    }
  const more = problems.length - maxAnnotations
  return {
    name,
    well: false,
    title: `${counted(problems.length, 'problem')} in ${settingsPath}`,
    summary: [
      'With these problems, the last correct version still applies.',
      ...problems.slice(0, maxAnnotations).map(problem => `- ${inWords(problem)}`),
      ...(more > 0 ? [`- and ${more} more`] : []),
    ].join('\n'),
    annotations: problems.slice(0, maxAnnotations).map(({ line = 1, key, message }) => ({
      path: settingsPath,
      line,
      message: key === '' ? message : `${key} ${message}`,
    })),
  }
}

const inWords = ({ line, key, message }: SettingsProblem): string =>
  [
    ...(line === undefined ? [] : [`line ${line}:`]),
    ...(key === '' ? [] : [code(key)]),
    withCode(message, 300),
  ].join(' ')
