/** What our comments are made of: the configured command word, lists, links, mentions, boxes, and the agent's words. */
import type { Thread } from '../model/thread.ts'
import type { TickTrigger } from '../model/trigger.ts'
import type { PricedModel, Pull } from '../model/views.ts'
import type { Run } from '../record/run.ts'
import { usualTrigger } from '../settings/deployment-settings.ts'
import { readOneByOne } from '../text/event-loop.ts'
import { paragraphs } from '../text/phrases.ts'
import { code, inlineWords, rightToLeft, spoken } from '../text/safe-markdown.ts'

export interface Deployment {
  posthogUrl: string
  posthogProject: string
}

export const agentLeftSentence =
  'PostHog did not confirm that Codex was stopped. It may still be working.'

export const small = (parts: readonly string[]): string =>
  parts.length === 0 ? '' : `<sub>${parts.join(' · ')}</sub>`

export const withCode = (text: string, maxLength: number): string =>
  text
    .slice(0, maxLength)
    .split(/`([^`\n]*)`/)
    .map((part, index) => {
      if (index % 2 === 1) return code(part)
      const words = inlineWords(part, part.length)
      if (words === '') return part.replace(/\s+/g, ' ')
      return `${/^\s/.test(part) ? ' ' : ''}${words}${/\s$/.test(part) ? ' ' : ''}`
    })
    .join('')

export function some(all: readonly string[], most: number): string {
  const shown = all.slice(0, most).join(', ')
  return all.length > most ? `${shown} and ${all.length - most} more` : shown
}

/** Lists names of files. */
export function fileList(names: readonly string[], most: number): string {
  const shown = names.map(name => code(name.slice(0, 80)))
  return some(shown, most)
}

export const pullLink = ({ number, title, url }: Pick<Pull, 'number' | 'title' | 'url'>): string =>
  `[#${number} ${inlineWords(title, 100)}](${url})`

export const shownPullState = ({ state, draft }: Pull): string =>
  state === 'open' && draft ? 'draft' : state

/** `gpt-5.5` at twice the price of PostHog's usual model is `gpt-5.5` (price ×2). */
export const priced = (models: readonly PricedModel[]): string =>
  models
    .map(({ name, costFactor }) =>
      costFactor === undefined ? code(name) : `${code(name)} (price ×${costFactor})`,
    )
    .join(', ')

export const cell = (text: string): string => code(text).replaceAll('|', '\\|')

export const maxComment = 65_536

const maxAnswer = 20_000
const foldAbove = 1_500
const maxFirstPart = 1_000

export const betweenEnds =
  (run: Run, deployment: Deployment) =>
  (characters: number): string =>
    `… ${characters.toLocaleString('en')} characters are left out here. [All of it](${runUrl(run, deployment)}) is at PostHog, which needs a login. …`

export function agentWords(words: string, run: Run, deployment: Deployment): string {
  const repository = repoUrl(run.thread)
  const { first, rest, cut } = foldOf(words)
  if (rest === undefined) return spoken(first, maxAnswer, { repository })
  const summary = cut ? 'All that Codex said' : 'The rest of what Codex said'
  const between = betweenEnds(run, deployment)
  return paragraphs([
    spoken(first, maxFirstPart, { repository }),
    `<details><summary>${summary}</summary>`,
    spoken(rest, maxAnswer, { repository, between }),
    '</details>',
  ])
}

const loginPattern = /^[\w-]{1,60}(?:\[bot\])?$/

/** What can be no login calls nobody. */
export const mentions = (all: readonly string[]): string =>
  all
    .filter(each => loginPattern.test(each))
    .map(each => `@${each}`)
    .join(' ')

/** Makes an answer to somebody, of words that are safe. It stands on the line of their name if it begins with a sentence. */
export function answerTo(logins: readonly string[], said: string): string {
  if (said.startsWith('>')) return `${mentions(logins)} Codex answered:\n\n${said}`
  // What is written from right to left stands in a paragraph of its own, which GitHub then sets so.
  const [line = ''] = said.split('\n')
  const joins = beginsWithSentence.test(line) && !rightToLeft.test(line)
  return `${mentions(logins)}${joins ? ' ' : '\n\n'}${said}`
}

const beginsWithSentence = /^(?!\d+[.)]\s)(?:[\p{L}\p{N}]|`[^`]|\*{1,2}[^\s*])/u

/** Parses what `agentWords` shows, part by part. */
export async function readAgentWords(words: string, thread: Thread): Promise<void> {
  const repository = repoUrl(thread)
  const { first, rest } = foldOf(words)
  await readOneByOne([
    () => spoken(first, rest === undefined ? maxAnswer : maxFirstPart, { repository }),
    () => spoken(rest ?? '', maxAnswer, { repository, between: () => '' }),
  ])
}

/** Headings, and lines that are as good as one. */
const headingsFirst = /^(?:\s*(?:#{1,6} .*|\*\*[^*\n]+\*\*:?)\n\s*)*/

/** A heading says nothing alone, so the first part has a paragraph. */
function foldOf(words: string): { first: string; rest?: string; cut?: boolean } {
  if (words.length <= foldAbove) return { first: words }
  const [heading = ''] = headingsFirst.exec(words) ?? []
  const blank = words.slice(heading.length).search(/\n[ \t]*\n/)
  const end = blank < 0 ? words.length : heading.length + blank
  const first = words.slice(0, end)
  const cut =
    blank < 0 || first.length > maxFirstPart || /^ {0,3}(?:`{3}|~{3})|<|\[[^\]]*\]:/m.test(first)
  return { first, rest: cut ? words : words.slice(end).trimStart(), cut }
}

export const commitUrl = (thread: Thread, sha: string): string => `${repoUrl(thread)}/commit/${sha}`

const anchors = {
  comment: 'issuecomment-',
  inline: 'discussion_r',
  review: 'pullrequestreview-',
} as const

export const commentUrl = ({ url }: Thread, as: keyof typeof anchors, id: number): string =>
  `${url}#${anchors[as]}${id}`

export const repoUrl = (thread: Thread): string =>
  thread.url.replace(/\/(?:issues|pull)\/\d+.*$/, '')

export const branchUrl = (thread: Thread, branch: string): string =>
  `${repoUrl(thread)}/tree/${branch.split('/').map(inAddress).join('/')}`

/** A bracket would end a Markdown address. */
const inAddress = (part: string): string =>
  encodeURIComponent(part).replace(/[()]/g, bracket => (bracket === '(' ? '%28' : '%29'))

export function runUrl(run: Run, { posthogUrl, posthogProject }: Deployment): string {
  const task = `${posthogUrl}/project/${posthogProject}/tasks/${run.session.taskId ?? ''}`
  return run.session.taskRun ? `${task}?runId=${run.session.taskRun.id}` : task
}

export function inOwnWords(text: string, word: string): string {
  if (word === usualTrigger.word) return text
  return text
    .split('\n')
    .map(line =>
      line.startsWith('>') ? line : line.replace(/(?:(?<=`+ ?)|^)\/codex(?![\w-])/g, `/${word}`),
    )
    .join('\n')
}

type Box = TickTrigger['box']
type Offered = Exclude<Box, `choice-${number}`>

const labels: Record<Offered, string> = {
  stop: 'Stop this run',
  fix: 'Fix this',
  retry: 'Try again',
  continue: 'Go on where it stopped',
  approve: 'Carry out this plan',
}

const boxWords = (words: string, box: Box): string => `[ ] ${words} <!-- codex-box:${box} -->`

export const boxFor = (of: Offered, words = labels[of]): string => `- ${boxWords(words, of)}`

/** A choice of a question of Codex, by its place from 1. */
export const choiceBox = (place: number, words: string): string =>
  `${place}. ${boxWords(words, `choice-${place}`)}`

/** What Codex says has no marks of ours in it. */
export function ticked(before: string, after: string): Box | undefined {
  const was = tickedIn(before)
  return tickedIn(after).find(box => !was.includes(box))
}

const isOffered = (name: string): name is Offered => Object.hasOwn(labels, name)

const tickedBox = /^(?:-|\d+\.) \[x\] .* <!-- codex-box:(?:choice-(\d{1,2})|(\w+)) -->$/gim

const tickedIn = (text: string): Box[] =>
  [...text.replaceAll('\r', '').matchAll(tickedBox)].flatMap(([, place, name = '']): Box[] => {
    if (place !== undefined) return [`choice-${Number(place)}`]
    return isOffered(name) ? [name] : []
  })
