import { expect, test } from 'vitest'
import { statusComment } from '../../src/core/words/status.ts'
import { deployment, minute, pull, runWith, t0, wordsAre } from './given.ts'

const needs = {
  number: 9,
  failedChecks: [
    { name: 'unit [tests](x)', url: 'https://ci.example/1?(a)' },
    { name: 'lint', url: 'javascript:alert(1)' },
    ...Array.from({ length: 5 }, (_, n) => ({ name: `e2e ${n}`, url: `https://ci.example/e2e/${n}` })),
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

const shown = (run = ended()) => statusComment(run, deployment, t0)

test('what it needs', () => {
  expect(shown(ended({ asked: 1, byPostHog: 2 }))).toMatchInlineSnapshot(`
    "### ⚠️ [#9 Wait for the session before logging in](https://github.com/acme/shop/pull/9) needs work

    ❌ 7 checks failed: [unit \\[tests\\](x)](https://ci.example/1?%28a%29), lint, [e2e 0](https://ci.example/e2e/0), [e2e 1](https://ci.example/e2e/1), [e2e 2](https://ci.example/e2e/2) and 2 more
    🔀 It has conflicts with its base branch
    ✋ Changes requested by \`mario\`
    💬 2 open comments: \`src/login.ts:3\`, \`README.md\`
    🤖 \`coderabbitai\` left 2 findings: \`src/login.ts:3\`, \`src/login.ts:7\`
    🤖 \`greptile-apps\` left 1 finding: \`src/login.ts:9\`

    - [ ] Fix this <!-- codex-box:fix -->

    <sub>fix the flaky login test · maya · 1 min · 3 rounds of fixing, 2 by PostHog itself · draft, \`codex/login\` → \`main\`</sub>"
  `)
})

test('at the cap, there is no box', () => {
  const status = shown(ended({ asked: 3, byPostHog: 3 }))
  expect(status).not.toContain('codex-box')
  expect(status).toContain('an agent was sent to fix this 6 times, and 6 is the limit.')
})

test('of the pull request that the thread is', () => {
  const run = runWith({ result: { outcome: { kind: 'pushed', sha: 'a'.repeat(40) }, needs } })
  expect(shown(run)).toMatch(/^### ⚠️ This pull request needs work\n/)
})
