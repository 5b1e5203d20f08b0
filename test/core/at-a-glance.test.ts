/** What is ignored by its bytes is ignored when it is parsed, however JSON spells it. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  DeploymentSettings,
  everyCall,
  triggerOf,
} from '../../src/core/settings/deployment-settings.ts'
import { normalise } from '../../src/github/webhooks/normalise.ts'
import { silenceJudge } from '../../src/github/webhooks/silent-comments.ts'
import { tries } from '../support/tries.ts'

const settings = DeploymentSettings.parse({
  trigger: { word: 'agent' },
  owners: { 5: { trigger: { word: 'Fix-it2' } }, 6: {} },
})
const isSilent = silenceJudge(everyCall(settings, () => 'my-app2'))

const payload = (action: string, body: string, owner = 5) => ({
  action,
  installation: { id: 1 },
  repository: { id: 100, name: 'shop', owner: { login: 'acme', id: owner } },
  sender: { login: 'maya', id: 11, type: 'User' },
  issue: {
    number: 7,
    title: 'Login',
    body: null,
    html_url: 'https://github.com/acme/shop/issues/7',
  },
  comment: {
    id: 501,
    body,
    user: { login: 'maya', id: 11 },
    author_association: 'MEMBER',
    created_at: '2026-01-02T14:02:00Z',
  },
})

const silent = (action: string, body: string, event = 'issue_comment') =>
  isSilent(event, Buffer.from(JSON.stringify(payload(action, body))))

describe('by its bytes alone', () => {
  test('a comment that asks for nothing is known', () => {
    expect(
      silent('created', 'See https://github.com/acme/shop: `C:\\x` "quoted" – 修复\r\n\ttab'),
    ).toBe(true)
    expect(silent('created', 'Nice work!', 'pull_request_review_comment')).toBe(true)
  })

  test.each([
    '/agent go',
    '/AGENT go',
    'words\n/fix-it2',
    'of another owner: /Fix-It2',
    '@My-App2[bot] go',
    'a\n/ agnet',
    '@agent go',
  ])('nothing is said of one with a word that somebody may use: %s', body =>
    expect(silent('created', body)).toBe(false),
  )

  test.each(['edited', 'deleted', 'opened'])('nothing is said of what was %s', action =>
    expect(silent(action, 'Nice work!')).toBe(false),
  )

  test.each(['issues', 'pull_request_review', 'push'])('nothing is said of the event %s', event =>
    expect(silent('created', 'Nice work!', event)).toBe(false),
  )

  test.each([
    '\\/agent',
    '\\u002fagent',
    '/\\u0061gent',
    '/ag\\u0045nt',
    '\\u002Fag\\u006Ent',
    '/fix\\u002dit2',
    '/fix-it\\u0032',
    '\\u0040my-app2',
    '@my\\u002dapp2',
    '@my-app\\u0032',
  ])('nothing is said of one that spells a word as %s', spelled => {
    const json = JSON.stringify(payload('created', 'HERE go')).replace('HERE', spelled)
    expect(isSilent('issue_comment', Buffer.from(json))).toBe(false)
  })

  test('a word counts from when the settings name it', () => {
    const given = { ...settings }
    const judge = silenceJudge(everyCall(given))
    const body = Buffer.from(JSON.stringify(payload('created', 'so /robot go')))
    expect(judge('issue_comment', body)).toBe(true)
    given.trigger = { word: 'robot' }
    expect(judge('issue_comment', body)).toBe(false)
  })
})

test('the App’s name counts from when it is known', () => {
  let name: string | undefined
  const judge = silenceJudge(everyCall(settings, () => name))
  const body = Buffer.from(JSON.stringify(payload('created', '@my-app2 go')))
  expect(judge('issue_comment', body)).toBe(true)
  name = 'my-app2'
  expect(judge('issue_comment', body)).toBe(false)
})

/** JSON may spell any sign by its number, and a slash behind a backslash. */
const spelling = (text: string, choices: readonly number[]) =>
  [...text]
    .map((sign, n) => {
      const choice = choices.length === 0 ? 0 : (choices[n % choices.length] ?? 0)
      const code = sign.charCodeAt(0).toString(16).padStart(4, '0')
      if (sign.length === 1 && choice === 1) return `\\u${code}`
      if (sign.length === 1 && choice === 2) return `\\u${code.toUpperCase()}`
      return sign === '/' && choice === 3 ? '\\/' : JSON.stringify(sign).slice(1, -1)
    })
    .join('')

const said = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        '/agent',
        '/fix-it2',
        '/AGENT',
        '@agent',
        '/Fix-It2',
        '/codex',
        '/',
        '@my-app2',
        '@My-App2[bot]',
        '@',
        '\n',
        ' ',
        '- ',
        '|',
        ' go',
      ),
      fc.string({ unit: 'grapheme', maxLength: 8 }),
    ),
    { maxLength: 6 },
  )
  .map(parts => parts.join(''))

test('nothing is ignored that would be taken', () => {
  const words = (owner: number) => ({ ...triggerOf(settings, owner), app: 'my-app2' })
  let judged = 0
  fc.assert(
    fc.property(
      fc.constantFrom('created', 'edited'),
      fc.constantFrom(5, 6, 7),
      said,
      fc.array(fc.nat(3), { maxLength: 12 }),
      (action, owner, text, choices) => {
        const json = JSON.stringify(payload(action, 'HERE', owner)).replace('HERE', () =>
          spelling(text, choices),
        )
        if (!isSilent('issue_comment', Buffer.from(json))) return
        judged += 1
        const read = normalise(
          { id: 'd-1', event: 'issue_comment', payload: JSON.parse(json) },
          words,
        )
        expect(read).toMatchObject({ kind: 'ignored', why: 'no command' })
      },
    ),
    { numRuns: tries(3_000) },
  )
  expect(judged).toBeGreaterThan(0)
})
