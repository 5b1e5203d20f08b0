/** One word for one thing: what the glossary has left behind is no name in the source any more. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'

const root = fileURLToPath(new URL('..', import.meta.url))
const glossary = readFileSync(join(root, 'docs/glossary.md'), 'utf8')

/** Where former names have to be known: they are read from records of then. */
const exempt = ['core/model/former-names.ts']

const section = (title: string): string => glossary.split(`## ${title}\n`)[1]?.split('\n## ')[0] ?? ''

/** The names in the first column of the table of what was left. */
const left = section('Words that were left')
  .split('\n')
  .filter(line => line.startsWith('| `'))
  .flatMap(line => [...(line.split('|')[1] ?? '').matchAll(/`([^`]+)`/g)].map(match => match[1] ?? ''))

const files = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' }).filter(
  file => file.endsWith('.ts') && !exempt.includes(file),
)

/** The code without its comments and words: those are English. */
const codeOf = (text: string): string =>
  text
    .replace(/\/\*[\s\S]*?\*\//g, ' ')
    .replace(/'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"/g, "''")
    .replace(/`(?:[^`\\]|\\.)*`/g, text => (text.match(/\$\{[^}]*\}/g) ?? []).join(' '))
    .replace(/(^|\s)\/\/.*$/gm, ' ')

const namesIn = (file: string): Set<string> =>
  new Set(codeOf(readFileSync(join(root, 'src', file), 'utf8')).match(/[A-Za-z_$][\w$]*/g) ?? [])

test('the glossary says what was left, and this test can read it', () => {
  expect(left.length).toBeGreaterThan(30)
  expect(namesIn('bot.ts').has('startBot')).toBe(true)
})

describe('is no name any more', () => {
  const used = new Map(files.map(file => [file, namesIn(file)]))
  test.each(left)('%s', word => {
    expect(files.filter(file => used.get(file)?.has(word))).toEqual([])
  })
})

test('a union is told apart by kind', () => {
  const tags = /\|\s*\{\s*(?:do|is|with|says|effect|reply|mistake|by|of|because|mode): '/
  expect(files.filter(file => tags.test(readFileSync(join(root, 'src', file), 'utf8')))).toEqual([])
})
