import type { CodexTaskRunCreate, ReasoningEffort } from '../model/codex-task-run-create.ts'
import { isReadOnly, type What } from '../record/request-part.ts'
import type { Waits } from '../record/run.ts'
import type { HeldSetting } from '../settings/layers.ts'
import { code } from '../text/safe-markdown.ts'
import { settingsTable } from './settings-check.ts'
import { waitsInWords } from './waiting.ts'

export interface PlannedBranch {
  name: string
  isNew: boolean
  /** Where its pull request goes, and where a new one starts. */
  into: string
}

/** What a command would do. */
export type Would<Reply> =
  | { kind: 'answer'; reply: Reply }
  | { kind: 'refusal'; reply: Reply }
  | { kind: 'message'; what: 'follow-up' | 'stop' | 'force' | 'label' }
  | { kind: 'after' }
  | { kind: 'pause' }
  | { kind: 'resume' }
  | { kind: 'nothing' }
  | {
      kind: 'start'
      what: What
      /** In the session of the last run. */
      goesOn: boolean
      branch: PlannedBranch
      model: string
      effort: ReasoningEffort | undefined
      costFactor: number | undefined
      waits: Waits | undefined
      settings: readonly HeldSetting[]
      request: CodexTaskRunCreate
    }

export interface DryRun<Reply> {
  command: string
  role: string
  least: string
  would: Would<Reply>
  now: number
}

/** @param inWords of another reply, without the name of who is answered */
export function dryRunText<Reply>(
  { command, role, least, would, now }: DryRun<Reply>,
  inWords: (reply: Reply) => string,
): string {
  const may = `Permission: yours is ${role}, and ${command === 'run' ? 'starting a run' : code(`/codex ${command}`)} needs ${least}.`
  return [
    `nothing was done, and no model was called. ${summary(would)}`,
    ...(would.kind === 'answer' || would.kind === 'refusal'
      ? // A quote of people's words begins its lines with `>`, and keeps the command word that they wrote.
        [`<blockquote>\n\n${inWords(would.reply)}\n\n</blockquote>`]
      : []),
    [may, ...(would.kind === 'start' ? startLines(would, now) : [])].map(line => `- ${line}`).join('\n'),
    ...(would.kind === 'start'
      ? [
          `<details><summary>The request to PostHog</summary>\n\n\`\`\`json\n${JSON.stringify(would.request, null, 2)}\n\`\`\`\n\n</details>`,
        ]
      : []),
    ...(would.kind === 'start' && would.settings.length > 0
      ? [
          `<details><summary>Settings that apply here</summary>\n\n${settingsTable(would.settings)}\n\n</details>`,
        ]
      : []),
  ].join('\n\n')
}

function summary(would: Would<unknown>): string {
  switch (would.kind) {
    case 'answer':
      return 'The bot would answer:'
    case 'refusal':
      return 'The bot would refuse, and say:'
    case 'message':
      return messages[would.what]
    case 'after':
      return 'A run is going on here. This would start when it has ended.'
    case 'pause':
      return 'This would pause the repository.'
    case 'resume':
      return 'This would end the pause of the repository.'
    case 'nothing':
      return 'This would change nothing.'
    case 'start':
      return `This would start ${started[would.what]}${would.goesOn ? ', in the session of the last one' : ''}${would.waits ? ', but not at once' : ''}:`
  }
}

const started: Record<What, string> = { work: 'a run', plan: 'a plan', review: 'a review', ask: 'an answer' }

const messages = {
  'follow-up': 'A run is going on here. Your words would be given to it.',
  stop: 'This would stop the run here.',
  force: 'This would start the run that waits here.',
  label: 'A run is going on here. The label would join it.',
} as const

type Start = Extract<Would<never>, { kind: 'start' }>

function startLines({ branch, model, effort, costFactor, waits, what }: Start, now: number): string[] {
  const { name, isNew, into } = branch
  const times = costFactor === 1 ? 'as much as' : `${costFactor} times as much as`
  const cost =
    costFactor === undefined
      ? 'PostHog does not say what this model costs.'
      : `It costs ${times} the usual model.`
  return [
    `Branch: ${code(name)}${isNew ? `, a new one from ${code(into)}` : ''}.`,
    ...(isReadOnly(what) ? [] : [`Its pull request would go into ${code(into)}.`]),
    `Model: ${code(model)}${effort === undefined ? '' : `, effort ${code(effort)}`}. ${cost}`,
    waits ? `It ${waitsInWords(waits, now)}` : 'Nothing is holding it up.',
  ]
}
