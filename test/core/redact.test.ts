import * as crypto from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { redactor } from '../../src/core/text/redact.ts'
import { safeMarkdown } from '../../src/core/text/safe-markdown.ts'
import { actedOn } from '../security/as-github.ts'
import { privateKey } from '../security/key.ts'
import { spentOn } from '../support/thread-time.ts'
import { someOf, tries } from '../support/tries.ts'

const key = '-----BEGIN RSA PRIVATE KEY-----\nMIIEow\nabc+/=\n-----END RSA PRIVATE KEY-----\n'
/** Put together here, so that no scanner takes this file for a leak. */
const made = (...parts: string[]) => parts.join('')
const secrets = [key, 'webhook-secret-1', made('phx_', 'x'.repeat(40)), 'p"a\\ss word', 'short']
const redact = redactor(secrets)

test.each([
  ['a webhook-secret-1 b', 'a ‹redacted› b'],
  ['webhook-secret-1webhook-secret-1', '‹redacted›‹redacted›'],
  [key.trimEnd(), '‹redacted›'],
  [JSON.stringify({ key }), '{"key":"‹redacted›\\n"}'],
  ['p"a\\ss word', '‹redacted›'],
  [JSON.stringify({ password: 'p"a\\ss word' }), '{"password":"‹redacted›"}'],
  ['short words stay', 'short words stay'],
])('a secret that is known: %j', (text, expected) => expect(redact(text)).toBe(expected))

const bodyOf = (pem: string) => pem.split('\n').slice(1, -2).join('')

const encoded = Buffer.from(made('ghp_', 'a1B2'.repeat(9), '.')).toString('base64')

/** One beginning, and what may stand in the place of a sign or a word of it. */
const kinds = (before: string, each: readonly string[], after: string): [string, string][] =>
  each.map(kind => [`${before}${kind}${after}`, made(before, kind, after, 'a1B2'.repeat(5))])

const families: readonly [string, string][] = [
  ...kinds('gh', ['p', 'o', 'u', 's', 'r'], '_'),
  ...kinds('ph', ['x', 'c', 's', 'a', 'r'], '_'),
  ...kinds('xox', ['a', 'b', 'e', 'p', 'r', 's'], '-'),
  ...kinds('gl', ['pat', 'rt', 'dt', 'ptt', 'cbt', 'ft', 'imt', 'agent', 'soat', 'ffct'], '-'),
  ...kinds('dckr_', ['pat', 'oat'], '_'),
  ...kinds('hv', ['s', 'b', 'r'], '.'),
  ...kinds('lin_', ['api', 'oauth'], '_'),
]

const tokens: readonly [string, string][] = [
  ['GitHub fine-grained token', made('github_pat_', 'a1B2'.repeat(9))],
  ['GitHub token of three parts', made('ghs_', '1_eyJ', 'a1B2.', 'b2C3.', 'c3-_d4')],
  ['npm token', made('npm', '_', 'a1B2'.repeat(9))],
  ['Hugging Face token', made('hf', '_', 'a1B2'.repeat(9))],
  ['Google API key', made('AIza', 'Sy', 'a1B2-'.repeat(7))],
  ['Stripe key', made('sk', '_live_', 'a1B2'.repeat(6))],
  ['Stripe restricted key', made('rk', '_test_', 'a1B2'.repeat(6))],
  ['Stripe webhook secret', made('whsec', '_', 'a1B2+/'.repeat(5))],
  ['Slack app token', made('xapp', '-1-', 'A1B2-'.repeat(5))],
  ['AWS key id', made('AKIA', 'ABCDEFGHIJKLMNOP')],
  ['AWS session key id', made('ASIA', 'ABCDEFGHIJKLMNOP')],
  ['OpenAI key', made('sk-', 'proj-a1B2'.repeat(4))],
  ...families,
]

describe('a secret by its shape', () => {
  const escaped = (token: string) => token.replace(/[^A-Za-z0-9]/g, '\\$&')
  const apart = (token: string) => token.replace(/[^A-Za-z0-9]/g, '\u200b$&')
  test.each(tokens)('%s, as it is and as Markdown and our comments write it', (_, token) => {
    for (const text of [token, escaped(token), apart(token)])
      expect(redactor(['another-secret'])(`before ${text}`)).toBe('before ‹redacted›')
  })

  test.each([
    ['JSON web token', made('eyJ', 'hbGciOiJIUzI1', '.eyJzdWIiOiIxMjM0', '.SflKxwRJSMeKKF2QT4')],
    [
      'another private key',
      made('-----BEGIN ', 'PRIVATE KEY-----\nabc\n-----END PRIVATE KEY-----'),
    ],
    ['a private key cut short', made('-----BEGIN ', 'PRIVATE KEY-----\nabc')],
    ['bearer', made('Bearer ', 'a1B2'.repeat(6))],
    [
      'GitHub token of three long parts',
      made(
        'ghs_',
        '1234567_',
        'eyJ',
        'a1B2'.repeat(50),
        '.',
        'b2C3'.repeat(60),
        '.',
        'c3-_'.repeat(20),
      ),
    ],
    [
      'PGP key',
      made('-----BEGIN PGP ', 'PRIVATE KEY BLOCK-----\nabc\n-----END PGP PRIVATE KEY BLOCK-----'),
    ],
    ['PyPI token', made('pypi', '-AgEIcHlwaS5vcmc', 'a1B2'.repeat(9))],
    ['SendGrid key', made('SG', '.', 'a1B2'.repeat(5), '.', 'b2C3'.repeat(10))],
    ['Google access token', made('ya29', '.a0', 'a1B2-_'.repeat(9))],
    ['GitLab token that can be routed', made('glpat', '-', 'a1B2'.repeat(7), '.01.', '0a1b2c3d4')],
    ['the word token', made('token ', 'a1B2'.repeat(6))],
    ['GitHub token in base64', encoded],
  ])('%s', (_, secret) => expect(redactor([])(`before ${secret}`)).toBe('before ‹redacted›'))

  test('a GitHub token that follows a letter', () =>
    expect(redactor([])(made('x', 'ghp_', 'a1B2'.repeat(9)))).toBe('x‹redacted›'))

  test.each([
    ['redis://:hunter22@example.org:6379/0', 'redis://:‹redacted›@example.org:6379/0'],
    ['rediss://user:hunter22@example.org', 'rediss://user:‹redacted›@example.org'],
    [
      'https://x-access-token:tok@github.com/a/b',
      'https://x-access-token:‹redacted›@github.com/a/b',
    ],
    ['https://a1B2c3D4e5F6a7B8@github.com/a/b', 'https://‹redacted›@github.com/a/b'],
    ['git@github.com and ssh://git@github.com/a', 'git@github.com and ssh://git@github.com/a'],
  ])('a password in an address: %s', (text, expected) => expect(redactor([])(text)).toBe(expected))

  test.each([
    'The token was refused by GitHub',
    'https://github.com/acme/shop/issues/7',
    'http://localhost:3000/api?x=a@b',
    'codex/issue-7-login-is-flaky',
    'b6c5f5a8-6a39-4f5e-9f0d-0f7a3a5a7a11',
    'a'.repeat(40),
    'sk-short',
    'task-force, desk-top',
    'Basic authentication, basic understanding',
    'a SHA that is secret: 0123456789abcdef0123456789abcdef01234567',
    'SG.js and hvs.md',
    bodyOf(crypto.createPublicKey(privateKey).export({ type: 'spki', format: 'pem' }).toString()),
    `integrity sha512-${'a1B2c3D4/+'.repeat(9)}==`,
    `SHA256 Fingerprint=${'3A:DE:0F:'.repeat(10)}77`,
    `data:image/png;base64,${'iVBORw0KGgoAAAANSUhEUgAA'.repeat(20)}`,
  ])('ordinary words stay: %s', text => expect(redactor([])(text)).toBe(text))
})

const inLines = (text: string, length: number, between = '\n') =>
  (text.match(new RegExp(`.{1,${length}}`, 'g')) ?? []).join(between)

describe('a real private key never comes out', () => {
  const body = bodyOf(privateKey)
  const pem = Buffer.from(privateKey).toString('base64')
  test.each([
    ['as a file', privateKey],
    ['in JSON', JSON.stringify({ privateKey })],
    ['in an address', encodeURIComponent(privateKey)],
    ['without its frame', inLines(body, 64)],
    ['in a quote', inLines(body, 76, '\r\n> ')],
    ['from its middle', inLines(body.slice(333, 700), 64)],
    ['as one line of it', body.slice(640, 704)],
    ['as bytes in hexadecimal', inLines(Buffer.from(body, 'base64').toString('hex'), 2, ':')],
    ['in base64 of 76', inLines(pem, 76)],
  ])('%s', (_, text) => {
    const shown = redactor([privateKey])(`before ${text} after`)
    expect(shown).toMatch(/^before [\s\S]*‹redacted›[\s\S]*after$/)
    expect(shown.replace(/redacted|[^A-Za-z0-9+/]/g, '').length).toBeLessThan(40)
  })
})

describe('the body of a key that nobody knows, without its frame', () => {
  const elliptic = crypto.generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey
  const bodyIn = (key: crypto.KeyObject, type: 'pkcs1' | 'pkcs8' | 'sec1') =>
    bodyOf(key.export({ type, format: 'pem' }).toString())
  test.each([
    ['RSA', bodyIn(crypto.createPrivateKey(privateKey), 'pkcs8')],
    ['RSA of old', bodyOf(privateKey)],
    ['elliptic', bodyIn(elliptic, 'pkcs8')],
    ['elliptic of old', bodyIn(elliptic, 'sec1')],
    ['Ed25519', bodyIn(crypto.generateKeyPairSync('ed25519').privateKey, 'pkcs8')],
    ['OpenSSH', Buffer.from(`openssh-key-v1\0${'a1B2'.repeat(75)}`).toString('base64')],
  ])('%s', (_, body) => {
    for (const between of ['\n', '\\n', '\r\n> ', '" +\n"']) {
      const [short, long, one] = [64, 76, 5_000].map(length => inLines(body, length, between))
      expect(redactor([])(`a ${short}\nb ${long}\nc ${one}\nThen it failed`)).toBe(
        'a ‹redacted›\nb ‹redacted›\nc ‹redacted›\nThen it failed',
      )
    }
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
    { numRuns: tries(500) },
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

describe('a secret by the words before it', () => {
  const key = made('wJalrXUtnFEMI/K7MDENG/', 'bPxRfiCYEXAMPLEKEY')
  test.each([
    [`aws_secret_access_key = ${key}`, 'aws_secret_access_key = ‹redacted›'],
    [`${made('AKIA', 'ABCDEFGHIJKLMNOP')} ${key}`, '‹redacted› ‹redacted›'],
    [`key of AWS: ${key}`, 'key of AWS: ‹redacted›'],
    ['Authorization: Basic dXNlcjpwYXNzd29yZA==', 'Authorization: Basic ‹redacted›'],
    ['Authorization: Basic dTpwdw==', 'Authorization: Basic ‹redacted›'],
    ['curl -H "authorization: basic YTpi"', 'curl -H "authorization: basic YTpi"'],
    ['-H "Authorization: Bearer shortish"', '-H "Authorization: Bearer ‹redacted›"'],
    ['{"Authorization":"token a1b2c3d4"}', '{"Authorization":"token ‹redacted›"}'],
    ['see Basic dXNlcjpwYXNzd29yZA==', 'see Basic ‹redacted›'],
    ['see Basic dXNlcjpwYXNzd29yZDEy', 'see Basic ‹redacted›'],
    ['https://smee.io/a1B2c3D4e5F6', 'https://smee.io/‹redacted›'],
    ['source=https%3A%2F%2Fsmee.io%2Fa1B2c3D4e5F6', 'source=https%3A%2F%2Fsmee.io%2F‹redacted›'],
  ])('%s', (text, expected) => expect(redactor([])(text)).toBe(expected))
})

describe('a known secret that somebody encoded', () => {
  const secret = 'hush-hush/webhook+secret?1'
  const encode = (text: string, as: BufferEncoding) => Buffer.from(text).toString(as)
  test.each([
    ['base64', encode(secret, 'base64')],
    ['base64 for addresses', encode(secret, 'base64url')],
    ['base64 inside an address', encodeURIComponent(encode(secret, 'base64'))],
    ['base64 behind a name', encode(`x-access-token:${secret}`, 'base64')],
    ['base64 two further', encode(`u:${secret}`, 'base64')],
    ['base64 in the middle', encode(`us:${secret} and more`, 'base64')],
    ...['\n', '\r\n', '\\n', '\n> ', ' '].map((end): [string, string] => [
      `base64 in lines that end with ${JSON.stringify(end)}`,
      inLines(encode(secret, 'base64'), 20, end),
    ]),
    ...[' ', ':', ', 0x', '\\x', '\\u00', ';&#x', '%', '-', '\n'].map((start): [string, string] => [
      `hexadecimal with ${JSON.stringify(start)} between`,
      start + inLines(encode(secret, 'hex'), 2, start),
    ]),
    ['an address, in part', secret.replace(/[hb-]/g, sign => `%${encode(sign, 'hex')}`)],
    ['hexadecimal', encode(secret, 'hex')],
    ['an address', encodeURIComponent(secret)],
  ])('as %s', (_, text) => {
    const shown = redactor([secret])(`before ${text} after`)
    expect(shown).toMatch(/^before [\s\S]{0,24}‹redacted› after$/)
    // What is left of it tells nothing of the secret.
    expect(Buffer.from(shown, 'base64').toString()).not.toContain('hush')
  })
})

const hostile = [
  '-eyJ',
  'eyJ',
  '-eyJaaaaaaaaaa.',
  ':',
  '://a:',
  '://',
  '://a:a',
  'ghs_',
  ' ghs_',
  '-----BEGIN ',
  'a.',
  'sk-',
  ' sk-',
  '-----BEGIN PRIVATE KEY-----',
  '-----BEGIN A PRIVATE KEY',
  '\\',
  '\u200b',
  'ghp\\\\',
  'Bearer ',
  'token\n',
  'Basic ',
  'Basic a',
  'authorization: basic ',
  'SG.',
  'hvs.',
  'glpat-',
  '[0;0',
  '%20',
  '\\u0041',
  'p"a',
  'p\\',
  'webhook-',
  'a',
  'A1b/',
  ...'MIIEowIBAAK|MIIEowIBAAKCAQEA\n|b3BlbnNzaC1rZXktdjE |de ad be ef |%61|0x61,|a1B2c3D4 '.split(
    '|',
  ),
  encoded,
  'aGVsbG8',
  'deadbeef',
  '%2F',
  'https://smee.io/',
  'AKIA',
  ' ',
  '\n',
  '@',
  '=',
  '://aaaaaaaaaaaaaaaa',
]

describe('the time grows with the length of the text', () => {
  const took = (text: string) => spentOn(() => redact(text))
  const filled = (unit: string, length: number) => unit.repeat(Math.ceil(length / unit.length))

  test.each(someOf(hostile, 12))('of %j', unit => {
    const half = took(filled(unit, 64_000))
    const whole = took(filled(unit, 256_000))
    // Four times as long; sixteen would be its square. What is fast in any case is not measured.
    expect(whole).toBeLessThan(Math.max(60, 9 * half))
  })
})
