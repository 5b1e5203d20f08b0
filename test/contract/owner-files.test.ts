/** The files of an owner's `.github` repository: what they cost, and when they count as not there. */
import nock from 'nock'
import { beforeEach, expect, test } from 'vitest'
import { gitHubApp } from '../../src/github/app-client.ts'
import { ownerFilesOf } from '../../src/github/repository-files.ts'
import { issueThread } from '../core/given.ts'
import { privateKey } from '../security/key.ts'
import { nockAlone } from '../support/nock-alone.ts'
import { installationToken } from '../support/service-calls.ts'

const api = 'https://github.example'
const path = '/repos/acme/.github/contents/.github%2Fcodex.yml'

let now: number
let tokens: unknown[]
let asked: (string | undefined)[]

/** How a file is read by a process that has read nothing yet. */
function reader() {
  const app = gitHubApp({ id: 5, privateKey, apiUrl: api }, () => now)
  const files = ownerFilesOf(app, () => now)(issueThread)
  return (commit?: string) => files.text('.github/codex.yml', commit)
}

function tokenAnswers(status: number): void {
  nock(api)
    .post('/app/installations/1/access_tokens')
    .reply((_, body) => {
      tokens.push(body)
      const message = 'There is at least one repository that does not exist or is not accessible.'
      return [status, status === 201 ? installationToken() : { message }]
    })
}

function fileAnswers(...each: [status: number, text?: string, etag?: string][]): void {
  for (const [status, text = '', etag] of each)
    nock(api)
      .get(path)
      .query(true)
      .reply(function () {
        asked.push(this.req.headers['if-none-match'] as string | undefined)
        const content = Buffer.from(text).toString('base64')
        return [
          status,
          status === 200 ? { type: 'file', content } : '',
          etag === undefined ? {} : { etag },
        ]
      })
}

nockAlone()
beforeEach(() => {
  ;[now, tokens, asked] = [Date.UTC(2026, 0, 2), [], []]
})

test('what did not change is asked for by its version, with a token that may only read that repository', async () => {
  tokenAnswers(201)
  fileAnswers([200, 'model: a', '"1"'], [304], [200, 'model: b', '"2"'], [304])
  const read = reader()
  expect([await read(), await read(), await read(), await read()]).toEqual([
    'model: a',
    'model: a',
    'model: b',
    'model: b',
  ])
  expect(asked.map(String)).toEqual(['undefined', '"1"', '"1"', '"2"'])
  expect(tokens).toEqual([
    { repositories: ['.github'], permissions: { contents: 'read', metadata: 'read' } },
  ])
})

test('a repository that is not the bot’s to read is asked for once a minute', async () => {
  tokenAnswers(422)
  const read = reader()
  expect([await read(), await read()]).toEqual([undefined, undefined])
  expect(tokens).toHaveLength(1)
  now += 61_000
  tokenAnswers(201)
  fileAnswers([200, 'model: a'])
  expect(await read()).toBe('model: a')
})

test('a file that is taken away counts no more, which one 404 does not say for a minute', async () => {
  tokenAnswers(201)
  fileAnswers([200, 'model: a', '"1"'], [404], [200, 'model: a', '"1"'], [404], [404])
  const read = reader()
  expect([await read(), await read(), await read()]).toEqual(['model: a', undefined, 'model: a'])
  expect([await read(), await read(), await read()]).toEqual([undefined, undefined, undefined])
})

test('a commit without the file says nothing of now', async () => {
  tokenAnswers(201)
  fileAnswers([404], [200, 'model: a'])
  const read = reader()
  expect(await read('abc')).toBeUndefined()
  expect(await read()).toBe('model: a')
})

test('no answer is no absence', async () => {
  tokenAnswers(201)
  fileAnswers([502], [502], [502])
  await expect(reader()()).rejects.toMatchObject({ name: 'NoResponse' })
})
