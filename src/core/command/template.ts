/**
 * Templates: `.github/codex/NAME.md` on the default branch is what `/codex NAME …` means. What follows the name stands in
 * it for `$ARGUMENTS`, as in the prompts of Codex itself, or else below it.
 */
import { type CommandGrammar, instruction } from '../model/command-grammar.ts'
import { stripInvisible } from '../text/invisible.ts'
import { paragraphs } from '../text/phrases.ts'
import { isSlip, longName } from './near-miss.ts'
import type { Mistake } from './parse.ts'

export const templatesFolder = '.github/codex'

/** Characters, as many as the instruction of a label may have. */
export const maxTemplate = 10_000

const fileName = /^([a-z0-9][a-z0-9_-]{0,49})\.md$/i

/** Names of commands win. */
export function templatesIn(
  files: readonly string[],
  grammars: readonly CommandGrammar[],
): string[] {
  const taken = new Set(
    grammars.flatMap(({ name, aliases = [] }) =>
      name === instruction ? aliases : [name, ...aliases],
    ),
  )
  return files
    .flatMap(file => fileName.exec(file)?.[1] ?? [])
    .filter(name => !taken.has(name.toLowerCase()))
    .toSorted()
}

export const templatePath = (name: string): string => `${templatesFolder}/${name}.md`

export function templateMeant(text: string, names: readonly string[]) {
  const [start = '', word = ''] = /^(\S+)\s*/.exec(text) ?? []
  const wanted = word.toLowerCase().replace(/[.!,:;…]+$/, '')
  const name = names.find(each => each.toLowerCase() === wanted)
  return name === undefined ? undefined : { name, argument: text.slice(start.length) }
}

/**
 * The name that a text misses by a slip. Names may be near to any word: only a name with a hyphen or a digit, a long one,
 * or one with hardly anything behind it is taken for one, and no word that only ends in another way.
 */
export function templateMissed(text: string, names: readonly string[]): MissedTemplate | undefined {
  const [given = '', ...behind] = text.trim().split(/\s+/)
  const word = given.toLowerCase().replace(/[.!,:;…]+$/, '')
  const meant = names.find(name => {
    const stem = Math.min(name.length, word.length) - 1
    const isSaid =
      name.length > 3 && (name.length >= longName || /[^\p{L}]/u.test(name) || behind.length < 2)
    return (
      isSaid &&
      isSlip(word, name.toLowerCase()) &&
      !word.startsWith(name.slice(0, stem).toLowerCase())
    )
  })
  return meant === undefined ? undefined : { kind: 'unknown-command', given: word, meant }
}

type MeantTemplate = NonNullable<ReturnType<typeof templateMeant>>
type MissedTemplate = Extract<Mistake, { kind: 'unknown-command' }>

export type Template =
  | MissedTemplate
  | (MeantTemplate & { kind: 'template'; text: string })
  | { kind: 'unusable'; name: string; why: 'long' | 'unreadable' }

/** @param file as GitHub gave it: nothing for what is no file, an empty text for one of more than a megabyte */
export function filled({ name, argument }: MeantTemplate, file = ''): Template {
  const isText = !/[\0\ufffd]/.test(file) && stripInvisible(file).trim() !== ''
  if (!isText) return { kind: 'unusable', name, why: 'unreadable' }
  if (file.length > maxTemplate) return { kind: 'unusable', name, why: 'long' }
  const has = file.includes(placeholder)
  const text = has
    ? file.replaceAll(placeholder, () => argument)
    : paragraphs([file.trim(), argument])
  return { kind: 'template', name, argument, text: text.trim() }
}

const placeholder = '$ARGUMENTS'
