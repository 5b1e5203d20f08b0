/**
 * Templates: `.github/codex/NAME.md` on the default branch is what `/codex NAME …` means. What follows the name stands in
 * it for `$ARGUMENTS`, as in the prompts of Codex itself, or else below it.
 */
import { type CommandGrammar, instruction } from '../model/command-grammar.ts'
import { stripInvisible } from '../text/invisible.ts'
import { paragraphs } from '../text/phrases.ts'

export const templatesFolder = '.github/codex'

/** Characters, as many as the instruction of a label may have. */
export const maxTemplate = 10_000

const fileName = /^([a-z0-9][a-z0-9_-]{0,49})\.md$/i

/** Names of commands win. */
export function templatesIn(files: readonly string[], grammars: readonly CommandGrammar[]): string[] {
  const taken = new Set(
    grammars.flatMap(({ name, aliases = [] }) => (name === instruction ? aliases : [name, ...aliases])),
  )
  return files
    .flatMap(file => fileName.exec(file)?.[1] ?? [])
    .filter(name => !taken.has(name.toLowerCase()))
    .toSorted()
}

export const templatePath = (name: string): string => `${templatesFolder}/${name}.md`

export interface Meant {
  name: string
  argument: string
}

export function templateMeant(text: string, names: readonly string[]): Meant | undefined {
  const [start = '', word = ''] = /^(\S+)\s*/.exec(text) ?? []
  const wanted = word.toLowerCase().replace(/[.!,:;…]+$/, '')
  const name = names.find(each => each.toLowerCase() === wanted)
  return name === undefined ? undefined : { name, argument: text.slice(start.length) }
}

export type Template =
  | (Meant & { kind: 'template'; text: string })
  | { kind: 'unusable'; name: string; why: 'long' | 'unreadable' }

/** @param file as GitHub gave it: nothing for what is no file, an empty text for one of more than a megabyte */
export function filled({ name, argument }: Meant, file = ''): Template {
  const isText = !/[\0\ufffd]/.test(file) && stripInvisible(file).trim() !== ''
  if (!isText) return { kind: 'unusable', name, why: 'unreadable' }
  if (file.length > maxTemplate) return { kind: 'unusable', name, why: 'long' }
  const has = file.includes(placeholder)
  const text = has ? file.replaceAll(placeholder, () => argument) : paragraphs([file.trim(), argument])
  return { kind: 'template', name, argument, text: text.trim() }
}

const placeholder = '$ARGUMENTS'
