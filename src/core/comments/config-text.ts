import type { HeldSetting, Origin } from '../settings/origins.ts'
import { cell, withCode } from './words.ts'

interface Shown {
  held: readonly HeldSetting[]
  problem: string | undefined
  usable: boolean
}

export function configText({ held, problem, usable }: Shown): string {
  const isSet = ({ from }: HeldSetting): boolean => from.some(({ kind }) => kind !== 'default')
  const set = held.filter(isSet)
  const rest = held.filter(each => !isSet(each))
  return [
    set.length > 0 ? 'these settings apply here:' : 'no settings are set here, so the defaults apply.',
    ...(problem === undefined ? [] : [problemText(problem, usable)]),
    ...(set.length > 0 ? [table(set)] : []),
    `<details><summary>Settings with their default value</summary>\n\n${table(rest)}\n\n</details>`,
  ].join('\n\n')
}

const problemText = (problem: string, usable: boolean): string =>
  `⚠️ There is a problem: ${withCode(problem, 1_000)}. ${usable ? 'Until it is fixed, the last correct version applies.' : 'Until it is fixed, nothing starts here.'}`

const table = (held: readonly HeldSetting[]): string =>
  [
    '| Setting | Value | From |',
    '|---|---|---|',
    ...held.map(
      ({ key, value, from }) =>
        `| ${cell(key)} | ${cell(valueText(value))} | ${from.map(originText).join(' and ')} |`,
    ),
  ].join('\n')

const maxValue = 200

function valueText(value: unknown): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  return text.length > maxValue ? `${text.slice(0, maxValue).toWellFormed()}…` : text
}

function originText(origin: Origin): string {
  switch (origin.kind) {
    case 'default':
      return 'default'
    case 'deployment':
      return 'the bot’s settings'
    case 'owner':
      return `the owner’s \`.github\` repository${lineText(origin.line)}`
    case 'repository':
      return `\`.github/codex.yml\`${lineText(origin.line)}`
  }
}

const lineText = (line: number | undefined): string => (line === undefined ? '' : `, line ${line}`)
