import { expect, test } from 'vitest'
import { changed } from '../../src/core/record/run.ts'
import { closingComment } from '../../src/core/words/closing.ts'
import { statusComment } from '../../src/core/words/status.ts'
import {
  ask,
  deployment,
  inlineComment,
  minute,
  pull,
  pullThread,
  runWith,
  t0,
  wordsAre,
} from './given.ts'

const needs = {
  number: 9,
  failedChecks: [
    { name: 'unit [tests](x)', url: 'https://ci.example/1?(a)' },
    { name: 'lint', url: 'javascript:alert(1)' },
    ...Array.from({ length: 5 }, (_, n) => ({
      name: `e2e ${n}`,
      url: `https://ci.example/e2e/${n}`,
    })),
  ],
  hasConflicts: true,
  changesRequestedBy: ['mario'],
  unresolved: [
    { path: 'src/login.ts', line: 3 },
    { path: 'README.md', line: null },
    ...[3, 7].map(line => ({ path: 'src/login.ts', line, by: 'coderabbitai' })),
    { path: 'src/login.ts', line: 9, by: 'greptile-apps' },
  ],
}

const ended = (rounds?: { asked: number; byPostHog: number }) =>
  runWith({
    result: { outcome: { kind: 'pull' }, concludedAt: t0 + minute, pulls: [pull], needs, rounds },
    ...wordsAre(),
  })

const shown = (run = ended()) => closingComment(run, deployment)

test('what it needs', () => {
  expect(shown(ended({ asked: 1, byPostHog: 2 }))).toMatchInlineSnapshot(`
    "⚠️ **Needs work**
    ❌ 7 checks failed: [unit \\[tests\\](x)](https://ci.example/1?%28a%29), lint, [e2e 0](https://ci.example/e2e/0), [e2e 1](https://ci.example/e2e/1), [e2e 2](https://ci.example/e2e/2) and 2 more
    🔀 It has conflicts with its base branch
    ✋ Changes requested by \`mario\`
    💬 2 open comments on lines: \`src/login.ts:3\`, \`README.md\`
    🤖 \`coderabbitai\` left 2 findings: \`src/login.ts:3\`, \`src/login.ts:7\`
    🤖 \`greptile-apps\` left 1 finding: \`src/login.ts:9\`

    - [ ] Fix this <!-- codex-box:fix -->

    @maya Codex opened draft **[#9 Wait for the session before logging in](https://github.com/acme/shop/pull/9)**

    <sub>1 min · 3 rounds of fixing, 2 by PostHog itself</sub>"
  `)
  expect(statusComment(ended(), deployment, t0)).not.toMatch(/codex-box|checks failed|needs work/)
})

test('at the cap, there is no box', () => {
  const word = shown(ended({ asked: 3, byPostHog: 3 }))
  expect(word).not.toContain('codex-box')
  expect(word).toContain('an agent was sent to fix this 6 times, and 6 is the limit.')
})

test('one of several pull requests is named', () => {
  const pulls = [pull, { ...pull, number: 10, title: 'Another' }]
  expect(shown(changed(ended(), { result: { pulls } }))).toContain(
    '⚠️ [#9 Wait for the session before logging in](https://github.com/acme/shop/pull/9): **Needs work**\n',
  )
})

test('on a line, where GitHub tells of no tick, stands the command instead of a box', () => {
  const place = { commentId: 5, rootId: 5, reviewId: null, inline: inlineComment(5) }
  const commentRef = { kind: 'inline', ...place } as const
  const request = { ...ask, origin: { kind: 'comment', commentRef } as const }
  const word = shown(changed(ended(), { thread: pullThread, request }))
  expect(word).toContain('\n\n`/codex fix` sends Codex to fix this.\n\n')
  expect(word).not.toContain('codex-box')
})
