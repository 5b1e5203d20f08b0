import { spawnSync } from 'node:child_process'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  branchSlug,
  isBranchName,
  isBranchOfIssue,
  issueBranch,
  maxBranchLength,
  stemOf,
} from '../../src/core/model/branch-name.ts'
import { sampleSeed, tries } from '../support/tries.ts'

test.each([
  ['  Login   is flaky!  ', 'login-is-flaky'],
  ['Crème brûlée: à la carte', 'creme-brulee-a-la-carte'],
  ['fix(auth): `login()` throws', 'fix-auth-login-throws'],
  ['../../etc/passwd', 'etc-passwd'],
  ['refs/heads/main', 'refs-heads-main'],
  ['a.lock', 'a-lock'],
  ['登录测试不稳定', ''],
  ['Ошибка 500 при входе', '500'],
  ['', ''],
  [
    'The login test fails every second time on the slow machine',
    'the-login-test-fails-every-second-time',
  ],
  ['x'.repeat(60), 'x'.repeat(40)],
  ['ﬁle ﬂow', 'file-flow'],
  ['$(rm -rf /)', 'rm-rf'],
])('the slug of a title, %j, is %j', (title, slug) => expect(branchSlug(title)).toBe(slug))

describe('the branch of an issue', () => {
  test.each([
    [7, 'Login is flaky', 'codex/issue-7-login-is-flaky'],
    [7, '登录', 'codex/issue-7'],
    [123_456_789, '-- --', 'codex/issue-123456789'],
  ])('%d %j is %s', (number, title, name) =>
    expect(issueBranch(stemOf('codex/', number), title)).toBe(name),
  )

  test.each([
    ['codex/issue-7', true],
    ['codex/issue-7-login-is-flaky', true],
    ['codex/issue-71', false],
    ['codex/issue-71-login', false],
    ['codex/issue-', false],
    ['codex/issue-7/x', false],
    ['Codex/issue-7', false],
    ['x/codex/issue-7', false],
  ])('%s is one of issue 7: %s', (name, expected) =>
    expect(isBranchOfIssue(name, 'codex/issue-7')).toBe(expected),
  )

  test('is a branch name, short enough, and found again, whatever the title', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1 }),
        fc.string({ unit: 'binary', maxLength: 300 }),
        (number, title) => {
          const stem = stemOf('codex/', number)
          const name = issueBranch(stem, title)
          expect(isBranchName(name)).toBe(true)
          expect(name).toMatch(/^[a-z0-9/-]+$/)
          expect(name.length).toBeLessThanOrEqual(70)
          expect(isBranchOfIssue(name, stem)).toBe(true)
        },
      ),
    )
  })
})

describe('the name of a branch', () => {
  test.each(['main', 'release/2.x', 'feature/#7', 'über', 'a@b', 'x'.repeat(maxBranchLength)])(
    '%j is one',
    name => expect(isBranchName(name)).toBe(true),
  )

  test.each([
    '',
    '@',
    '-x',
    'a b',
    'a..b',
    'a~1',
    'a^',
    'a:b',
    'a?',
    'a*',
    'a[b',
    'a\\b',
    'a@{b',
    '/a',
    'a/',
    'a//b',
    '.a',
    'a/.b',
    'a.',
    'a.lock',
    'a.lock/b',
    'a\u0000b',
    'a\u007fb',
    'refs/heads/main',
    'x'.repeat(maxBranchLength + 1),
  ])('%j is none', name => expect(isBranchName(name)).toBe(false))

  const git = (name: string) =>
    spawnSync('git', ['check-ref-format', '--branch', name]).status === 0
  const hasGit = spawnSync('git', ['--version']).status === 0

  test.skipIf(!hasGit)(
    'what it takes, git takes; what git refuses, it refuses',
    { timeout: 60_000 },
    () => {
      const signs = [...'aB7./-@~^:?*[\\ é#{}$\t']
      const piece = fc.constantFrom(...signs, '..', '//', '@{', '.lock', 'refs/')
      const name = fc.array(piece, { minLength: 1, maxLength: 6 }).map(pieces => pieces.join(''))
      const names = new Set(fc.sample(name, { numRuns: tries(250), seed: sampleSeed(7) }))
      // `@` is git's own word for HEAD, and `refs/heads/x` would be the branch x twice over.
      const plain = [...names].filter(each => each !== '@' && !each.startsWith('refs/'))
      const differ = plain.filter(each => isBranchName(each) !== git(each))
      expect(differ).toEqual([])
    },
  )
})
