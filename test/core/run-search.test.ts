/** By which words Runs are found, and what is looked for. Titles and searches are words of others. */
import { expect, test } from 'vitest'
import { foundBy, searchOf } from '../../src/core/record/run-search.ts'
import { pull, runWith } from './given.ts'

const titled = (title: string) =>
  foundBy(runWith({ baseline: { snapshot: { ...runWith().baseline.snapshot, title } } }))

test.each([
  ['in small letters', 'Login IS flaky', ['login', 'is', 'flaky']],
  ['once each', 'flaky, flaky; Flaky!', ['flaky']],
  ['without accents and full widths', 'Ｖｅｒｓｃｈｌüsse für Ćwikła', ['verschlusse', 'fur', 'cwikła']],
  [
    'around what joins them',
    'src/auth/login.test.ts: no_retry',
    ['src', 'auth', 'login', 'test', 'ts', 'no', 'retry'],
  ],
  ['also of digits', 'Error 404', ['error', '404']],
  ['without what nobody sees', 'lo\u200bgin \u202egnp.exe', ['login', 'gnp', 'exe']],
  ['none of signs alone', '"><!-- \u{1f4a5} --> * ? [a', ['a']],
])('a title has its words %s', (_, title, words) => {
  expect(titled(title)).toEqual([...words.map(word => `word ${word}`), 'word #7'])
})

test('of a hostile title few words count, and little of each', () => {
  const sets = titled(`${'x'.repeat(10_000)} ${Array.from({ length: 5_000 }, (_, n) => `w${n}`).join(' ')}`)
  expect(sets).toEqual([`word ${'x'.repeat(24)}`, 'word #7'])
  expect(titled(Array.from({ length: 5_000 }, (_, n) => `w${n}`).join(' '))).toHaveLength(13)
})

test('the numbers of its thread and of its pull requests find it', () => {
  expect(foundBy(runWith({ result: { pulls: [pull, { ...pull, number: 7 }] } }))).toEqual(
    expect.arrayContaining(['word #7', 'word #9']),
  )
})

test.each<[string, string | undefined, string[][] | undefined]>([
  ['#12', undefined, [['word #12']]],
  ['12', undefined, [['word 12', 'word #12']]],
  ['#0012', undefined, [['word #12']]],
  ['Flaky login', undefined, [['word flaky'], ['word login']]],
  ['login #12', undefined, [['word login'], ['word #12']]],
  ['Acme/Shop#12', 'acme/shop', [['word #12']]],
  ['https://github.com/acme/shop/issues/12', 'acme/shop', [['word #12']]],
  ['https://github.com/acme/shop/pull/12#issuecomment-5 login', 'acme/shop', [['word #12'], ['word login']]],
  ['src/auth', undefined, [['word src'], ['word auth']]],
  ['', undefined, undefined],
  ['#', undefined, undefined],
  ['!?* "', undefined, undefined],
])('who looks for `%s` means that', (text, repository, groups) => {
  expect(searchOf(text)).toEqual(groups && { repository, groups })
})

test('a hostile search is cut, in little time', () => {
  const began = performance.now()
  for (const text of [
    'a/'.repeat(100_000),
    'a.'.repeat(100_000),
    '#1 '.repeat(100_000),
    '/a'.repeat(100_000),
  ])
    expect(searchOf(text)?.groups.length ?? 0).toBeLessThanOrEqual(12)
  expect(performance.now() - began).toBeLessThan(1_000)
})
