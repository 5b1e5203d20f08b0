/** Anybody may write a thread full of long comments: to read it takes no more memory than there is. */
import { execFile } from 'node:child_process'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { privateKey } from '../security/key.ts'
import { installationToken } from '../support/service-calls.ts'

const body = '中'.repeat(65_000)
const at = '2026-01-02T14:00:00Z'
const by = { login: 'eve', type: 'User' }
const comments = Array.from({ length: 100 }, (_, id) => ({
  id: id + 1,
  body,
  user: by,
  created_at: at,
  updated_at: at,
  author_association: 'NONE',
}))
const page = Buffer.from(JSON.stringify(comments))
const nodes = comments.map(({ id }) => ({
  id: `C_${id}`,
  fullDatabaseId: id,
  body,
  createdAt: at,
  updatedAt: at,
  authorAssociation: 'NONE',
  author: { __typename: 'User', login: 'eve' },
}))
const refs = { totalCount: 0, nodes: [] }
const thread = {
  id: 'I',
  closed: false,
  comments: { totalCount: 100, nodes },
  linkedBranches: { nodes: [] },
}
const repository = { id: 'R', file: null, templates: null, base: null, ours: refs, thread }
const ahead = Buffer.from(JSON.stringify({ data: { repository } }))

/** GitHub sends all that is asked for at once. */
const server = createServer((request, response) => {
  request.resume().on('end', () => setTimeout(() => answer(request.url ?? '', response), 200))
})

function answer(url: string, response: ServerResponse): void {
  const send = (sent: unknown, headers = {}): void => {
    response.writeHead(200, { 'content-type': 'application/json', ...headers })
    response.end(Buffer.isBuffer(sent) ? sent : JSON.stringify(sent))
  }
  if (url.includes('access_tokens')) send(installationToken())
  else if (url === '/app') send({ slug: 'codex' })
  else if (url === '/graphql') send(ahead)
  else {
    const number = Number(/[?&]page=(\d+)/.exec(url)?.[1] ?? 1)
    const link = `<${api()}/repos/acme/shop/issues/7/comments?page=${number + 1}>; rel="next"`
    send(page, number < 8 ? { link } : {})
  }
}

const api = (): string => `http://127.0.0.1:${(server.address() as AddressInfo).port}`
beforeAll(() => new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve)))
afterAll(() => server.close())

/** As docs/operating.md recommends. */
const small = ['--max-old-space-size=192', '--max-semi-space-size=4', '--import', 'tsx']

test.each([
  ['by sixty commands at once', 'ahead', 60],
  ['for our own, by six at once', 'own', 6],
  ['for an agent', 'all', 1],
])('it is read %s', async (_, what, times) => {
  const child = ['test/support/long-thread-child.mts', api(), what, String(times)]
  const env = { ...process.env, KEY: privateKey }
  await expect(
    promisify(execFile)(process.execPath, [...small, ...child], { env }),
  ).resolves.toBeDefined()
})
