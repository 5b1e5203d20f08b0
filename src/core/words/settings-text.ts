/** What `/codex config` answers, and the line by which an editor knows the settings. */
import type { PricedModel } from '../model/views.ts'
import type { AppliedSetting, Origin } from '../settings/layers.ts'
import { settingsPath } from '../settings/settings-file.ts'
import { paragraphs } from '../text/phrases.ts'
import { cell, priced, withCode } from './words.ts'

export interface ShownSettings {
  held: readonly AppliedSetting[]
  /** The models that may be used here. It is empty if PostHog does not say. */
  models: readonly PricedModel[]
  problem: string | undefined
  usable: boolean
  /** Where an editor finds what may stand in the file. */
  schema: string | undefined
}

export function configText(shown: ShownSettings): string {
  const { held, models, problem, usable, schema } = shown
  const isSet = ({ from }: AppliedSetting): boolean => from.some(({ kind }) => kind !== 'default')
  const set = held.filter(isSet)
  const rest = held.filter(each => !isSet(each))
  return paragraphs([
    `${set.length > 0 ? 'these settings' : 'the defaults'} apply here. A repository sets its own in \`${settingsPath}\`.`,
    problem !== undefined &&
      `⚠️ There is a problem: ${withCode(problem, 1_000)}. Until it is fixed, ${usable ? 'the last correct version applies.' : 'nothing starts here.'}`,
    set.length > 0 && settingsTable(set),
    models.length > 0 && `Models here: ${priced(models)}.${priceSentence(models)}`,
    `<details><summary>Settings with their default value</summary>\n\n${settingsTable(rest)}\n\n</details>`,
    schema !== undefined &&
      `For hints in your editor, begin that file with this line:\n\n\`\`\`yaml\n${editorLine(schema)}\n\`\`\``,
  ])
}

const priceSentence = (models: readonly PricedModel[]): string =>
  models.some(({ costFactor }) => costFactor !== undefined)
    ? ' The price is a multiple of that of PostHog’s usual model.'
    : ''

/** The first line of a settings file, by which an editor finds its schema. */
export const editorLine = (address: string): string => `# yaml-language-server: $schema=${address}`

const settingsTable = (held: readonly AppliedSetting[]): string =>
  [
    '| Setting | Value | From |',
    '|---|---|---|',
    ...held.map(
      ({ key, value, from }) =>
        `| ${cell(key)} | ${cell(valueText(value))} | ${from.map(originText).join(' and ')} |`,
    ),
  ].join('\n')

function valueText(value: unknown): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  return text.length > 200 ? `${text.slice(0, 200).toWellFormed()}…` : text
}

const places: Record<Origin['kind'], string> = {
  default: 'default',
  deployment: 'the bot’s settings',
  owner: 'the owner’s `.github` repository',
  repository: 'this repository',
}

function originText(origin: Origin): string {
  const line = origin.kind === 'owner' || origin.kind === 'repository' ? origin.line : undefined
  return `${places[origin.kind]}${line === undefined ? '' : `, line ${line}`}`
}
