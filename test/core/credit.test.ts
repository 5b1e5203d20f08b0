import { expect, test } from 'vitest'
import { credits, trailerOf } from '../../src/core/agent/credit.ts'

const at = { url: 'https://github.com/acme/shop/issues/7' }
const maya = { login: 'maya', id: 5 }
const line = 'Co-authored-by: maya <5+maya@users.noreply.github.com>'

test('a trailer has the noreply address of the account, at its server', () => {
  expect(trailerOf(maya, at)).toBe('Co-authored-by: maya <5+maya@users.noreply.github.com>')
  expect(trailerOf(maya, { url: 'https://git.acme.example/acme/shop/pull/7' })).toBe(
    'Co-authored-by: maya <5+maya@users.noreply.git.acme.example>',
  )
})

test.each(['maya\nSigned-off-by: eve <eve@x.org>', 'maya <eve@x.org>', 'maya"', 'an admin of this bot', ''])(
  '%j is no name for one',
  login => {
    expect(trailerOf({ login, id: 5 }, at)).toBeUndefined()
  },
)

test('nobody has the number 0', () => {
  expect(trailerOf({ login: 'maya', id: 0 }, at)).toBeUndefined()
})

test.each<[string, boolean]>([
  ['Fix it\n\nCo-authored-by: maya <5+maya@users.noreply.github.com>', true],
  ['Fix it\n\nco-authored-by: Maya Miller <5+Maya@users.noreply.github.com>\nSigned-off-by: x <x@y.z>', true],
  ['Fix it\n\nCo-authored-by: maya <5+maya@users.noreply.github.com>\n\n', true],
  // GitHub reads the last paragraph alone, as git does; PostHog's tool for commits adds one of its own.
  [`Fix it\n\n${line}\n\nGenerated-By: PostHog Desktop\nTask-Id: 7`, false],
  [`Fix it\n\n${line}\nGenerated-By: PostHog Desktop\nTask-Id: 7`, true],
  [`Fix it\r\n\r\n${line}\r\n`, true],
  [`Fix it\n${line}`, false],
  [line, false],
  ['Fix it, Co-authored-by: maya <5+maya@users.noreply.github.com>', false],
  ['Fix it\n\nCo-authored-by: maya <6+maya@users.noreply.github.com>', false],
  ['Fix it\n\nCo-authored-by: maya <15+maya@users.noreply.github.com>', false],
  ['Fix it', false],
  [`${'x'.repeat(1_000_000)}\n\nCo-authored-by: maya <5+maya@users.noreply.github.com>`, true],
])('a commit that says %.60j credits maya: %s', (message, expected) => {
  expect(credits({ sha: 'c1', byPerson: false, message }, [{ login: 'zoe', id: 9 }, maya], at)).toBe(expected)
})
