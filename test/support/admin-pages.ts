/** The admin pages on a real server and a real queue, and a browser's requests to them. */
import { expect } from 'vitest'
import { type Run, type RunChange, runFormat } from '../../src/core/record/run.ts'
import { runIndex } from '../../src/core/record/run-index.ts'
import { openQueues } from '../../src/queue/open-queues.ts'
import { type AdminParts, adminPages } from '../../src/web/admin/admin-server.tsx'
import { closeServer, listen } from '../../src/web/http-server.ts'
import { issueThread, runWith } from '../core/given.ts'
import { newDataDir } from './data-dir.ts'
import { fakeLogOf } from './fake-log.ts'
import { webServer } from './web-server.ts'

export const token = 'a token of an admin with 32 letters or more'

export type Fields = Record<string, string>

export async function startAdminPages(parts: Partial<AdminParts> & Pick<AdminParts, 'now'>) {
  const queues = await openQueues({
    dataDir: await newDataDir(),
    triggers: { parse: data => data },
    runs: { ...runFormat, index: runIndex },
  })
  const signedOut = new Set<string>()
  const server = webServer({
    admin: adminPages({
      ended: {
        end: async session => void signedOut.add(session),
        hasEnded: async session => signedOut.has(session),
      },
      token,
      slowness: 50,
      runs: queues.runs,
      retry: async () => {},
      examine: async () => [
        { name: 'queue', ok: false, detail: 'a check of the doctor', fix: 'Mend it.' },
      ],
      failedChecks: async () => [],
      posthogUrl: () => undefined,
      log: fakeLogOf(() => {}),
      ...parts,
    }),
  })
  const address = `http://127.0.0.1:${await listen(server, { host: '127.0.0.1', port: 0 })}`

  let added = 0
  /** One that waits, unless it is said otherwise; its title is nobody else's. */
  async function addRun(...differs: RunChange[]): Promise<Run> {
    added += 1
    const id = `run-of-test-${added}`
    const run = runWith({ id, thread: { ...issueThread, number: added } }, ...differs)
    await queues.runs.add(id, run)
    return run
  }

  const get = (path: string, headers: Fields = {}): Promise<Response> =>
    fetch(address + path, { headers, redirect: 'manual' })

  const post = (path: string, fields: Fields, headers: Fields = {}): Promise<Response> =>
    fetch(address + path, {
      method: 'POST',
      headers: { origin: address, ...headers },
      body: new URLSearchParams(fields),
      redirect: 'manual',
    })

  return {
    queues,
    address,
    addRun,
    get,
    post,
    async signIn(headers: Fields = {}): Promise<string> {
      const response = await post('/admin/sign-in', { token }, headers)
      expect([response.status, response.headers.get('location')]).toEqual([303, '/admin/'])
      return response.headers.get('set-cookie') ?? ''
    },
    /** A form of that page, as the browser would send it. */
    async formOn(path: string, session: Fields): Promise<string> {
      const page = await (await get(path, session)).text()
      return /name="form" value="([^"]+)"/.exec(page)?.[1] ?? expect.fail('no form')
    },
    async close() {
      await closeServer(server, 0)
      await queues.close(500)
    },
  }
}

export const sessionOf = (cookie: string): Fields => ({ cookie: cookie.split(';')[0] ?? '' })
