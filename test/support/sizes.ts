/** How much there is to read: what the ceilings of `architecture.test.ts` hold. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const root = join(import.meta.dirname, '..', '..')

/** Texts of a folder and what is below it, without what is installed or generated there. */
const textsIn = (folder: string, name: RegExp): string[] =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter(
      path => name.test(path) && !path.includes('node_modules/') && path !== 'threads/README.md',
    )
    .map(path => readFileSync(join(root, folder, path), 'utf8'))

/** A comment, a whole text (template or quoted), a name, a number, or a sign. */
const token =
  /\/\*[\s\S]*?\*\/|\/\/[^\n]*|`(?:\\[\s\S]|[^`\\])*`|'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|[A-Za-z_$][\w$]*|\d[\w.]*|[^\s\w]/g

const isComment = (text: string): boolean => text.startsWith('//') || text.startsWith('/*')

/** How long a line is does not count: only what stands in it has to be read. */
export const tokensOf = (code: string): string[] =>
  (code.match(token) ?? []).filter(each => !isComment(each))

const tokensIn = (folder: string): number =>
  textsIn(folder, /\.m?[tj]sx?$/).reduce((sum, text) => sum + tokensOf(text).length, 0)

const wordsIn = (folder: string): number =>
  textsIn(folder, /\.md$/).reduce((sum, text) => sum + (text.match(/\S+/g) ?? []).length, 0)

export const sizes = () => ({
  src: tokensIn('src'),
  test: tokensIn('test'),
  emulators: tokensIn('emulators'),
  wordsOfDocs: wordsIn('docs'),
})
