/** What `/codex fix` asks the agent, where GitHub's page says what a pull request needs. */
import type { PullNeeds } from '../model/views.ts'
import { withoutEmpty } from '../text/phrases.ts'

const isFix = /^fix(?:\s+(?:it|this|that|everything|all|ci|the checks|the conflicts?))?[\s.!]*$/i

/** Words that name nothing else to fix. */
export const namesNothing = (text: string): boolean => isFix.test(text.trim())

const maxNamed = 20

/** @returns nothing if nothing keeps it from being merged */
export function fixInstruction(needs: PullNeeds): string | undefined {
  const { number, failedChecks, hasConflicts, changesRequestedBy, unresolved } = needs
  const all = withoutEmpty([
    hasConflicts && 'It has conflicts with its base branch. Merge the base and resolve them.',
    ...failedChecks
      .slice(0, maxNamed)
      .map(({ name, url }) => `The check "${oneLine(name)}" failed${url === undefined ? '' : `: ${url}`}`),
    changesRequestedBy.length > 0 && `Changes were requested by ${changesRequestedBy.join(', ')}.`,
    ...unresolved.slice(0, maxNamed).map(({ path, line, by }) => {
      const whose = by === undefined ? '' : ` by the bot ${oneLine(by)}`
      return `An open comment${whose} on ${oneLine(path)}${line === null ? '' : `, line ${line}`}.`
    }),
  ])
  if (all.length === 0) return undefined
  const hasBots = unresolved.some(({ by }) => by !== undefined)
  return [
    `Fix what pull request #${number} needs:`,
    ...all.map(each => `- ${each}`),
    ...(hasBots ? ['A bot may be wrong: check what it says, and leave what is not right.'] : []),
  ].join('\n')
}

const oneLine = (text: string): string => text.replace(/[\p{C}\s]+/gu, ' ').slice(0, 200)
