import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { redactor } from '../../src/core/redact.ts'
import { safeMarkdown } from '../../src/core/safe-markdown.ts'
import { actedOn } from '../security/as-github.ts'

const key = '-----BEGIN RSA PRIVATE KEY-----\nMIIEow\nabc+/=\n-----END RSA PRIVATE KEY-----\n'
/** Put together here, so that no scanner takes this file for a leak. */
const made = (...parts: string[]): string => parts.join('')
const secrets = [key, 'webhook-secret-1', made('phx_', 'x'.repeat(40)), 'p"a\\ss word', 'short']
const redact = redactor(secrets)

describe('a secret that is known', () => {
  test.each([
    ['a webhook-secret-1 b', 'a ‹redacted› b'],
    ['webhook-secret-1webhook-secret-1', '‹redacted›‹redacted›'],
    [key.trimEnd(), '‹redacted›'],
    [JSON.stringify({ key }), '{"key":"‹redacted›"}'],
    ['p"a\\ss word', '‹redacted›'],
    [JSON.stringify({ password: 'p"a\\ss word' }), '{"password":"‹redacted›"}'],
    ['short words stay', 'short words stay'],
  ])('%j', (text, expected) => {
    expect(redact(text)).toBe(expected)
  })
})

describe('a secret by its shape', () => {
  test.each([
    ['GitHub installation token', made('ghs_', 'a1B2'.repeat(9))],
    ['GitHub personal token', made('ghp_', 'a1B2'.repeat(9))],
    ['GitHub fine-grained token', made('github_pat_', 'a1B2'.repeat(9))],
    ['PostHog personal key', made('phx_', 'a1B2'.repeat(9))],
    ['PostHog project key', made('phc_', 'a1B2'.repeat(9))],
    ['OpenAI key', made('sk-', 'proj-a1B2'.repeat(4))],
    ['Slack token', made('xoxb-', '12345678901')],
    ['AWS key id', made('AKIA', 'ABCDEFGHIJKLMNOP')],
    ['JSON web token', made('eyJ', 'hbGciOiJIUzI1', '.eyJzdWIiOiIxMjM0', '.SflKxwRJSMeKKF2QT4')],
    ['another private key', made('-----BEGIN ', 'PRIVATE KEY-----\nabc\n-----END PRIVATE KEY-----')],
    ['a private key cut short', made('-----BEGIN ', 'PRIVATE KEY-----\nabc')],
    ['bearer', made('Bearer ', 'a1B2'.repeat(6))],
  ])('%s', (_, secret) => {
    expect(redactor([])(`before ${secret}`)).toBe('before ‹redacted›')
  })

  test.each([
    ['redis://:hunter22@example.org:6379/0', 'redis://:‹redacted›@example.org:6379/0'],
    ['rediss://user:hunter22@example.org', 'rediss://user:‹redacted›@example.org'],
    ['https://x-access-token:tok@github.com/a/b', 'https://x-access-token:‹redacted›@github.com/a/b'],
  ])('a password in an address: %s', (text, expected) => {
    expect(redactor([])(text)).toBe(expected)
  })

  test.each([
    'The token was refused by GitHub',
    'https://github.com/acme/shop/issues/7',
    'http://localhost:3000/api?x=a@b',
    'codex/issue-7-login-is-flaky',
    'b6c5f5a8-6a39-4f5e-9f0d-0f7a3a5a7a11',
    'a'.repeat(40),
    'sk-short',
    'task-force, desk-top',
  ])('ordinary words stay: %s', text => {
    expect(redactor([])(text)).toBe(text)
  })
})

test('whatever stands around it, a known secret never comes out', () => {
  const secret = fc.string({ unit: 'binary', minLength: 8, maxLength: 30 })
  fc.assert(
    fc.property(
      fc.string({ unit: 'binary' }),
      secret,
      fc.string({ unit: 'binary' }),
      (before, hidden, after) => {
        fc.pre(!'‹redacted›'.includes(hidden) && !`${before}‹redacted›${after}`.includes(hidden))
        expect(redactor([hidden])(`${before}${hidden}${after}`)).not.toContain(hidden)
      },
    ),
    { numRuns: 500 },
  )
})

test.each(['g\u2060hp_', '&#103;hp_'])(
  'what stands for a secret gives the signs around it no meaning: %s',
  start => {
    const text = `!${start}${'a1B2'.repeat(9)}(https://evil.example/x.png)`
    const shown = redactor([])(safeMarkdown(redactor([])(text)))
    expect(shown).toContain('redacted')
    expect(actedOn(shown)).toEqual([])
  },
)

test('long text is read fast', () => {
  const long = [
    ':'.repeat(50_000),
    '://a:'.repeat(20_000),
    'ghs_'.repeat(20_000),
    '-----BEGIN '.repeat(9_000),
    'eyJ'.repeat(30_000),
    'a.'.repeat(40_000),
  ]
  for (const text of long) {
    const began = performance.now()
    redact(text)
    expect([text.slice(0, 8), performance.now() - began < 1_000]).toEqual([text.slice(0, 8), true])
  }
})
