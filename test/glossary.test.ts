/** One word for one thing: what the glossary has left behind is no name in the source any more. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'

const root = join(import.meta.dirname, '..')
const glossary = readFileSync(join(root, 'docs/glossary.md'), 'utf8')

const section = (title: string) => glossary.split(`## ${title}\n`)[1]?.split('\n## ')[0] ?? ''

const left = section('Words that were left').match(/(?<=`)\w+(?=`)/g) ?? []
/** These have a meaning of their own. */
const own = [...section('What there is').matchAll(/^\| (\w+)/gm)].map(([, word]) =>
  word?.toLowerCase(),
)

const sources = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
  .filter(file => /\.tsx?$/.test(file))
  .map(file => ({ file, text: readFileSync(join(root, 'src', file), 'utf8') }))

const withoutComments = (text: string) =>
  text.replace(/\/\*[\s\S]*?\*\//g, ' ').replace(/(^|\s)\/\/.*$/gm, ' ')
/** What stands between tags. */
const pageWords = /(?:>|\})[^<>{}=;()]*(?=<)|>[^<>{}=;()]*(?=\{)/g
/** Comments and sentences are English. */
const withoutWords = (text: string) =>
  withoutComments(text)
    .replace(/'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"/g, "''")
    .replace(/`(?:[^`\\]|\\.)*`/g, template => (template.match(/\$\{[^}]*\}/g) ?? []).join(' '))

/** Each word of a name, with spaces around it. */
const spaced = (name: string) =>
  ` ${name.replace(/([a-z\d])(?=[A-Z])|[-_$]/g, '$1 ').toLowerCase()} `

const namesIn = ({ file, text }: (typeof sources)[number]): string[] => {
  const code = withoutWords(file.endsWith('.tsx') ? text.replace(pageWords, '>') : text)
  return [...new Set(code.match(/[A-Za-z_$][\w$]*/g))]
}
const used = sources.flatMap(source =>
  namesIn(source).map(name => ({ file: source.file, name, words: spaced(name) })),
)

test('what the glossary has left is in no name any more', () => {
  expect(left.length).toBeGreaterThan(30)
  expect(used.map(({ name }) => name)).toContain('startBot')
  const found = left.flatMap(word =>
    used.filter(({ name, words }) => {
      if (name === word) return true
      // A type that was left is looked for in types: `Held` was one, `heldAt` is English.
      const isAlike = /^[a-z]/.test(word) || /^[A-Z]/.test(name)
      return isAlike && words.includes(spaced(word)) && !own.includes(word.toLowerCase())
    }),
  )
  expect(found).toEqual([])
})

test('a comment says who does what', () => {
  const noSubject =
    /(?:\/\*\*\s+(?:\* )?|(?<!\/\/.*\n\s*)(?<=^|\s)\/\/ )(?:Of|Those|Once|Told|Whose|Asked|Sent|Shown|Among|By|With|Behind|Up|As|That|Not|Unless|Newest)\b.*/g
  expect(sources.flatMap(({ text }) => text.match(noSubject) ?? [])).toEqual([])
})

test('a union is told apart by kind, but for what is not ours', () => {
  const ofOthers =
    /'code' in |'severity' in error|'(?:status|response)' in error|'headers' in response|'(?:children|value|tagName)' in node|'content' in data|'type' in account|'repoId' in target/
  const signs = [
    /\|\s*\{\s*(?!kind\b)\w+\??:/g,
    /[=:<]\s*\{\s*(?!kind\b)\w+\??:[^{}\n]*\}\s*\|\s*(?:\{|[A-Z])/g,
    /discriminatedUnion\((?!'kind')\S*/g,
    /'\w+' in \w+/g,
  ]
  const found = sources.flatMap(({ file, text }) =>
    signs.flatMap(sign => withoutComments(text).match(sign) ?? []).map(each => `${file}: ${each}`),
  )
  expect(found.filter(each => !ofOthers.test(each))).toEqual([])
})
