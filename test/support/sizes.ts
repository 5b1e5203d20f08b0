/** How much there is to read: what the ceilings of `architecture.test.ts` hold. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const root = join(import.meta.dirname, '..', '..')

/** Texts of a folder and what is below it, without what is installed or generated there. */
const textsIn = (folder: string, name: RegExp): string[] =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter(path => name.test(path) && !path.includes('node_modules/') && path !== 'threads/README.md')
    .map(path => readFileSync(join(root, folder, path), 'utf8'))

const withoutComments = (text: string): string =>
  text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/(?<![:'"`\w])\/\/.*$/gm, '')

const sum = (numbers: readonly number[]): number => numbers.reduce((all, each) => all + each, 0)
const linesOf = (text: string): string[] => text.split('\n').filter(line => line.trim() !== '')

export function sizes() {
  const source = textsIn('src', /\.tsx?$/)
  return {
    files: source.length,
    lines: sum(source.map(text => linesOf(withoutComments(text)).length)),
    testLines: sum(textsIn('test', /\.(?:ts|mts|js)$/).map(text => linesOf(text).length)),
    wordsOfDocs: sum(
      textsIn('docs', /\.md$/).map(text => text.split(/\s+/).filter(word => word !== '').length),
    ),
  }
}
