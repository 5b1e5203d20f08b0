/** What GitHub's own descriptions of its APIs do not know is refused, and remembered until the world ends. */
import { createAppAuth } from '@octokit/auth-app'
import { Octokit } from '@octokit/rest'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startGitHub } from './emulator.ts'
import type { GitHubEmulator } from './github.ts'

const log = { debug() {}, info() {}, warn() {}, error() {} }

const clientOf = ({ url: baseUrl, appId, privateKey, installationId }: GitHubEmulator): Octokit =>
  new Octokit({
    baseUrl,
    authStrategy: createAppAuth,
    auth: { appId, privateKey, installationId },
    log,
  })

let github: GitHubEmulator
beforeAll(async () => {
  github = await startGitHub()
})
afterAll(() => github.close())

test.each<[what: string, request: string, body: Record<string, unknown>, why: RegExp]>([
  ['no operation', 'GET /repos/acme/shop/issues/1/mood', {}, /no such operation/],
  ['no query', 'GET /repos/acme/shop/pulls?label=x', {}, /additional properties/],
  ['a value that is none', 'GET /repos/acme/shop/pulls?state=odd', {}, /allowed values/],
  ['a path of another type', 'GET /repos/acme/shop/issues/seven', {}, /integer/],
  ['a body that lacks a part', 'POST /repos/acme/shop/git/refs', { ref: 'x' }, /sha/],
  [
    'a body with more',
    'POST /repos/acme/shop/issues/1/comments',
    { body: 'x', to: 'y' },
    /additional/,
  ],
  [
    'a field that no query has',
    'POST /graphql',
    { query: '{ nonsense }' },
    /Cannot query field .*nonsense/,
  ],
])('%s is refused and remembered', async (_, request, body, why) => {
  const { message } = await clientOf(github)
    .request(request, body)
    .then(
      ({ data }) => ({ message: JSON.stringify(data) }),
      (error: Error) => error,
    )
  expect(message).toMatch(why)
  expect(github.takeViolations()).toEqual([expect.stringMatching(why)])
})

test('a world with such a request does not end well', async () => {
  const other = await startGitHub()
  await clientOf(other)
    .request('GET /repos/acme/shop/issues/1/mood')
    .catch(() => {})
  await expect(other.close()).rejects.toThrow(
    /GitHub knows no such request:\nGET .*mood: api.github.com: no such/,
  )
})
