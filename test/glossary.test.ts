/** One word for one thing: what the glossary has left behind is no name in the source any more. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'

const root = fileURLToPath(new URL('..', import.meta.url))
const glossary = readFileSync(join(root, 'docs/glossary.md'), 'utf8')

const section = (title: string): string =>
  glossary.split(`## ${title}\n`)[1]?.split('\n## ')[0] ?? ''

/** The names in the first column of the table of what was left. */
const left = section('Words that were left')
  .split('\n')
  .filter(line => line.startsWith('| `'))
  .flatMap(line =>
    [...(line.split('|')[1] ?? '').matchAll(/`([^`]+)`/g)].map(match => match[1] ?? ''),
  )

const files = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' }).filter(file =>
  /\.tsx?$/.test(file),
)

/** The code without its comments and words: those are English. */
const codeOf = (text: string): string =>
  text
    .replace(/\/\*[\s\S]*?\*\//g, ' ')
    .replace(/'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"/g, "''")
    .replace(/`(?:[^`\\]|\\.)*`/g, text => (text.match(/\$\{[^}]*\}/g) ?? []).join(' '))
    .replace(/(^|\s)\/\/.*$/gm, ' ')

/** What stands between tags. */
const pageWords = /(?:>|\})[^<>{}=;()]*(?=<)|>[^<>{}=;()]*(?=\{)/g

const textOf = (file: string): string => {
  const text = readFileSync(join(root, 'src', file), 'utf8')
  return file.endsWith('.tsx') ? text.replace(pageWords, '>') : text
}

const namesIn = (file: string): Set<string> =>
  new Set(codeOf(textOf(file)).match(/[A-Za-z_$][\w$]*/g) ?? [])

test('the glossary says what was left, and this test can read it', () => {
  expect(left.length).toBeGreaterThan(30)
  expect(namesIn('bot.ts').has('startBot')).toBe(true)
})

/** Each word of a name, with spaces around it. */
const spaced = (name: string): string =>
  ` ${name.replace(/([a-z\d])(?=[A-Z])|[-_$]/g, '$1 ').toLowerCase()} `

const used = files.flatMap(file =>
  [...namesIn(file)].map(name => ({ file, name, words: spaced(name) })),
)
/** These have a meaning of their own. */
const own = new Set(
  [...section('What there is').matchAll(/^\| (\w+)/gm)].map(([, word]) => word?.toLowerCase()),
)

test.each(left)('%s is in no name any more', word => {
  const words = spaced(word)
  // A type that was left is looked for in types: `Held` was one, `heldAt` is English.
  const isInside = (each: { name: string; words: string }): boolean =>
    each.words.includes(words) &&
    (/^[a-z]/.test(word) || /^[A-Z]/.test(each.name)) &&
    !own.has(word.toLowerCase())
  const found = used.filter(each => each.name === word || isInside(each))
  expect(found).toEqual([])
})

test('a comment says who does what', () => {
  const noSubject =
    /(?:\/\*\*\s+(?:\* )?|(?<!\/\/.*\n\s*)(?<=^|\s)\/\/ )(?:Of|Those|Once|Told|Whose|Asked|Sent|Shown|Among|By|With|Behind|Up|As|That|Not|Unless|Newest)\b.*/g
  const sourceOf = (file: string): string => readFileSync(join(root, 'src', file), 'utf8')
  expect(files.flatMap(file => sourceOf(file).match(noSubject) ?? [])).toEqual([])
})

describe('a union is told apart by kind', () => {
  const uncommented = (file: string): string =>
    readFileSync(join(root, 'src', file), 'utf8')
      .replace(/\/\*[\s\S]*?\*\//g, ' ')
      .replace(/(^|\s)\/\/.*$/gm, ' ')
  const foundBy = (sign: RegExp): string[] =>
    files.flatMap(file =>
      [...uncommented(file).matchAll(sign)].map(([found]) => `${file}: ${found}`),
    )

  test('a member that is written out begins with it', () => {
    expect(foundBy(/\|\s*\{\s*(?!kind\b)\w+\??:/g)).toEqual([])
    expect(foundBy(/[=:<]\s*\{\s*(?!kind\b)\w+\??:[^{}\n]*\}\s*\|\s*(?:\{|[A-Z])/g)).toEqual([])
    expect(foundBy(/discriminatedUnion\((?!'kind')\S*/g)).toEqual([])
  })

  /** What is not ours comes as it is: errors, answers of services, nodes of a parser, records of any version. */
  const ofOthers = [
    /'code' in \w+$/,
    /'severity' in error$/,
    /'(?:status|response)' in error$/,
    /'headers' in response$/,
    /'(?:children|value|tagName)' in node$/,
    /'content' in data$/,
    /'type' in account$/,
    /'repoId' in target$/,
  ]

  test('no member is known by a key that others lack', () => {
    const asked = foundBy(/'\w+' in \w+/g)
    expect(asked.filter(each => !ofOthers.some(known => known.test(each)))).toEqual([])
    expect(ofOthers.filter(known => !asked.some(each => known.test(each)))).toEqual([])
  })
})
