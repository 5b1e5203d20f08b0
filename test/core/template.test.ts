import { describe, expect, test } from 'vitest'
import { commands } from '../../src/commands/command-registry.ts'
import {
  filled,
  maxTemplate,
  templateMeant,
  templateMissed,
  templatePath,
  templatesIn,
} from '../../src/core/command/template.ts'

test('names of templates are those of files, without what commands are called', () => {
  const files = ['release.md', 'Docs_2.md', 'stop.md', 'CANCEL.md', 'help.md', '?.md', 'run.md']
  const others = [
    'README',
    'x.txt',
    '../up.md',
    'a/b.md',
    '-x.md',
    ' .md',
    `${'n'.repeat(51)}.md`,
    '__proto__.md',
  ]
  expect(templatesIn([...files, ...others], commands)).toEqual(['Docs_2', 'release', 'run'])
})

test.each<[string, ReturnType<typeof templateMeant>]>([
  ['release 1.2', { name: 'release', argument: '1.2' }],
  ['Release: 1.2\nand tell', { name: 'release', argument: '1.2\nand tell' }],
  ['release', { name: 'release', argument: '' }],
  ['release\nnow', { name: 'release', argument: 'now' }],
  ['releases 1.2', undefined],
  ['please release', undefined],
  ['constructor', undefined],
  ['', undefined],
])('a text: %j', (text, expected) =>
  expect(templateMeant(text, ['docs', 'release'])).toEqual(expected),
)

describe('a name with a slip', () => {
  const names = ['docs', 'release', 'fix-lint']
  test.each([
    ['relase 1.3', 'release'],
    ['Relaese: the next version, with notes', 'release'],
    ['fix-lnt in the whole project', 'fix-lint'],
    ['dcos', 'docs'],
  ])('%j is told', (text, meant) => expect(templateMissed(text, names)?.meant).toBe(meant))

  test.each([
    'releases 1.2',
    'released versions are broken',
    'does the login work?',
    'please relase',
    'fix lint',
  ])('%j has none', text => expect(templateMissed(text, names)).toBeUndefined())
})

describe('a file', () => {
  const of = (file: string | undefined, argument = '1.2') =>
    filled({ name: 'release', argument }, file)
  test.each([
    [
      'with a place for it',
      'Release $ARGUMENTS, and tag $ARGUMENTS.\n',
      '1.2',
      'Release 1.2, and tag 1.2.',
    ],
    ['without one', '# Release\n\nTag it.\n', '1.2', '# Release\n\nTag it.\n\n1.2'],
    ['without an argument', 'Release it.\n', '', 'Release it.'],
    [
      'with one like a place',
      'Release $ARGUMENTS.',
      '$& $1 $ARGUMENTS',
      'Release $& $1 $ARGUMENTS.',
    ],
  ])('%s', (_, file, argument, text) =>
    expect(of(file, argument)).toEqual({ kind: 'template', name: 'release', argument, text }),
  )

  test.each([
    ['that is none, or a link to elsewhere', undefined, 'unreadable'],
    ['of nothing, or of more than a megabyte', '', 'unreadable'],
    ['of blanks that nobody sees', ' \n\u200b\u2063', 'unreadable'],
    ['of bytes', 'PNG\0\0', 'unreadable'],
    ['of another encoding', 'gr\ufffdn', 'unreadable'],
    ['that is too long', 'x'.repeat(maxTemplate + 1), 'long'],
  ])('%s', (_, file, why) => expect(of(file)).toEqual({ kind: 'unusable', name: 'release', why }))

  test('is looked for in one place', () =>
    expect(templatePath('release')).toBe('.github/codex/release.md'))
})
