/** Attachments on their way: from GitHub, over the checks, into PostHog's storage and a run. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { Octokit } from '@octokit/rest'
import nock from 'nock'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { type PostHogEmulator, startPostHog } from '../../emulators/posthog/emulator.ts'
import { CodexTaskRunCreate } from '../../src/core/model/codex-task-run-create.ts'
import { BadAttachment, NoResponse, Rejected, RetryLater } from '../../src/core/model/errors.ts'
import type { AttachmentFile } from '../../src/core/model/ports.ts'
import type { CommentRef } from '../../src/core/model/trigger.ts'
import { changed } from '../../src/core/record/run.ts'
import type { Attachment } from '../../src/core/text/attachment-links.ts'
import { attachmentReader, downloadAttachment } from '../../src/github/attachment-files.ts'
import type { ThreadAccess } from '../../src/github/read-ahead.ts'
import { call, type PostHogSettings } from '../../src/posthog/posthog-http.ts'
import { postHogTasks, stageArtifact } from '../../src/posthog/tasks-client.ts'
import { attach, attachmentsOf } from '../../src/runs/steps/stage-attachments.ts'
import { contextFor, inlineComment, issueThread, runWith } from '../core/given.ts'
import { fakeLog } from '../support/fake-log.ts'
import { startServer } from '../support/local-server.ts'
import { postHogAt, runAtWork } from '../support/service-calls.ts'

// Importing it already stands between `fetch` and the network, as whoever comes next in this process expects.
nock.restore()
afterAll(() => nock.activate())

const png = Buffer.from('89504e470d0a1a0a0000000d49484452', 'hex')
const mebibyte = 1024 * 1024
const uuid = '880fbe21-506b-458b-8be6-71ac826d92f5'

type Handler = (request: IncomingMessage, response: ServerResponse) => void

/** A server that remembers who asked for what, and with which token. */
class Site {
  readonly asked: string[] = []
  url = ''
  close = async () => {}
  handle: Handler = (_, response) => response.writeHead(404).end()

  async open(): Promise<this> {
    const { url, close } = await startServer((request, response) => {
      this.asked.push(`${request.url} ${request.headers.authorization ?? 'anonymous'}`)
      request.resume()
      this.handle(request, response)
    })
    return Object.assign(this, { url, close })
  }

  /** Answers by path; a text is where to go on. */
  serve(answers: Record<string, string | { type?: string; body?: Buffer; status?: number }>): void {
    this.handle = (request, response) => {
      const given = answers[request.url ?? ''] ?? { status: 404 }
      if (typeof given === 'string') return void response.writeHead(302, { location: given }).end()
      const type = given.type === undefined ? {} : { 'content-type': given.type }
      response.writeHead(given.status ?? 200, type).end(given.body)
    }
  }
}

let site: Site
let other: Site
beforeEach(async () => {
  site = await new Site().open()
  other = await new Site().open()
})
afterEach(() => Promise.all([site.close(), other.close()]))

const path = `/user-attachments/assets/${uuid}`
const shot = (name = 'Image'): Attachment => ({ name, url: site.url + path })
const file = (name: string): Attachment => ({
  name,
  url: `${site.url}/user-attachments/files/1/${name}`,
})

interface Given {
  within?: number
  signed?: () => Promise<ReadonlyMap<string, string>>
  webUrl?: string
}

const download = (attachment: Attachment, given: Given = {}): Promise<AttachmentFile> =>
  downloadAttachment(
    {
      webUrl: `${site.url}/acme/shop/issues/7`,
      token: async () => 'secret',
      now: () => 1_000_000,
      ...given,
    },
    attachment,
  )

/** The reason in the words for the reader. */
async function refusal(promise: Promise<unknown>): Promise<string> {
  const error = await promise.then(
    () => 'was taken',
    (thrown: unknown) => thrown,
  )
  return error instanceof BadAttachment ? error.message : `${error}`
}

const hasNoResponse = (given?: Given) => expect(download(shot(), given)).rejects.toThrow(NoResponse)

/** The same answer to whoever asks. */
const always = (
  status: number,
  headers: Record<string, string | number> = {},
  body: string | Buffer = '',
) => {
  site.handle = (_, response) => response.writeHead(status, headers).end(body)
}

/** It says so much, and then no more. */
const begins = (headers: Record<string, string | number>, then: Handler = () => {}) => {
  site.handle = (request, response) => {
    response.writeHead(200, headers)
    response.write(png, () => then(request, response))
  }
}

describe('a download', () => {
  test('brings bytes, type and a name that says what it is', async () => {
    site.serve({ [path]: { type: 'image/png; charset=binary', body: png } })
    const { name, type, bytes } = await download(shot())
    const brought = { name: 'Image.png', type: 'image/png', bytes: png }
    expect({ name, type, bytes: Buffer.from(bytes) }).toEqual(brought)
    expect(site.asked).toEqual([`${path} token secret`])
  })

  const noImage = (type: string): string => `it says that it is ${type}, but it is not`
  const notPassedOn = (type: string): string => `files of type ${type} are not passed on`
  test.each<[name: string, type: string, body: string | Buffer, becomes: string]>([
    ['Image', 'image/png', png, 'Image.png'],
    ['shot.jpg', 'image/png', png, 'shot.jpg.png'],
    ['server.log', 'application/octet-stream', 'a', 'server.log'],
    ['notes', 'text/plain; charset=utf-8', 'a', 'notes.txt'],
    ['long.log'.padStart(255, 'x'), 'text/plain', 'a', 'long.log'.padStart(255, 'x')],
    ['shot.svg', 'image/svg+xml', png, notPassedOn('image/svg+xml')],
    ['trace.zip', 'application/octet-stream', png, notPassedOn('application/octet-stream')],
    ['constructor.constructor', '', png, 'its type is not known'],
    ['a', 'image/png', '<html>', noImage('image/png')],
    ['a', 'image/webp', 'RIFF0000WAVE', noImage('image/webp')],
    ['a', 'application/pdf', png, noImage('application/pdf')],
    ['a', 'image/png', '', 'it is empty'],
    ['a', 'image/jpeg', Buffer.from('ffd8ffe0', 'hex'), 'a.jpg'],
    ['a', 'image/gif', 'GIF89a', 'a.gif'],
    ['a', 'image/webp', 'RIFF0000WEBP', 'a.webp'],
    ['a', 'application/pdf', '\n%PDF-1.7', 'a.pdf'],
  ])('of %s as %s, %j, becomes: %s', async (name, type, body, expected) => {
    always(200, { 'content-type': type }, body)
    const taken = download(file(name))
    expect(await taken.then(({ name }) => name).catch(() => refusal(taken))).toBe(expected)
  })

  test('takes the extension of the address when the words have none', async () => {
    always(200, { 'content-type': 'application/octet-stream' }, 'a')
    const { name, type } = await download({ ...file('server.log'), name: 'what the server said' })
    expect({ name, type }).toEqual({ name: 'what the server said.log', type: 'text/plain' })
  })

  test.each([
    ['a.log', 'text/plain', 30],
    ['a.pdf', 'application/pdf', 10],
    ['a.pdf', 'text/plain', 10],
  ])('of %s as %s takes up to %i MB', async (name, type, limit) => {
    const body = Buffer.alloc(limit * mebibyte)
    body.write('%PDF-')
    always(200, { 'content-type': type }, body)
    expect((await download(file(name))).bytes.length).toBe(limit * mebibyte)
    begins({ 'content-type': type, 'content-length': limit * mebibyte + 1 })
    expect(await refusal(download(file(name), { within: 5_000 }))).toBe(
      `it is larger than ${limit} MB`,
    )
  })

  test('is cut off while it comes in when it says nothing of its size', async () => {
    let sent = 0
    let closed = false
    site.handle = (_, response) => {
      response.writeHead(200, { 'content-type': 'text/plain' })
      response.on('close', () => {
        closed = true
      })
      const pour = (): void => {
        if (closed) return
        sent += mebibyte
        if (response.write(Buffer.alloc(mebibyte, 'a'))) setImmediate(pour)
        else response.once('drain', pour)
      }
      pour()
    }
    expect(await refusal(download(file('endless.log')))).toBe('it is larger than 30 MB')
    await expect.poll(() => closed).toBe(true)
    expect(sent).toBeLessThan(60 * mebibyte)
  })

  test('has one time limit, before and while it comes in', async () => {
    site.handle = () => {}
    const start = Date.now()
    await hasNoResponse({ within: 150 })
    begins({ 'content-type': 'image/png' })
    await hasNoResponse({ within: 150 })
    site.handle = (_, response) =>
      setTimeout(() => response.writeHead(302, { location: path }).end(), 100)
    await hasNoResponse({ within: 150 })
    expect(Date.now() - start).toBeLessThan(3_000)
  })

  test('follows three redirects, and not a fourth', async () => {
    site.serve({
      [path]: '/a',
      '/a': `${site.url}/b`,
      '/b': 'c',
      '/c': { type: 'image/png', body: png },
    })
    await download(shot())
    expect(site.asked.map(line => line.split(' ')[0])).toEqual([path, '/a', '/b', '/c'])
    site.serve({ [path]: '/a', '/a': '/b', '/b': '/c', '/c': '/d' })
    expect(await refusal(download(shot()))).toBe('GitHub sent the download on too often')
    site.serve({ [path]: path })
    expect(await refusal(download(shot()))).toBe('GitHub sent the download on too often')
  })

  test('goes nowhere else, neither at first nor by a redirect', async () => {
    other.serve({ [path]: { type: 'image/png', body: png } })
    const elsewhere = 'GitHub sent the download on to an address that is not its own'
    for (const target of [
      other.url + path,
      'http://169.254.169.254/latest/meta-data/',
      'file:///etc/passwd',
      'http://',
    ]) {
      site.serve({ [path]: target })
      expect(await refusal(download(shot()))).toBe(elsewhere)
    }
    expect(await refusal(download({ name: 'a', url: other.url + path }))).toBe(elsewhere)
    expect(await refusal(download({ name: 'a', url: `${site.url}/login` }))).toBe(elsewhere)
    expect(other.asked).toEqual([])
  })

  test('is tried as anybody when the App may not have it', async () => {
    site.handle = ({ headers }, response) =>
      headers.authorization
        ? response.writeHead(404).end()
        : response.writeHead(200, { 'content-type': 'image/png' }).end(png)
    await download(shot())
    expect(site.asked).toEqual([`${path} token secret`, `${path} anonymous`])
  })

  test.each<[string, ...Parameters<typeof always>]>([
    ['404', 404],
    ['the sign-in', 302, { location: '/login?return_to=a' }],
    ['a page', 200, { 'content-type': 'text/html' }, '<form>'],
  ])('that nobody may have is refused: %s', async (_, ...answer) => {
    always(...answer)
    expect(await refusal(download(shot()))).toBe('GitHub does not let the bot download it')
    expect(site.asked).toHaveLength(2)
  })

  test('waits for a limit, and only for a limit', async () => {
    const limited = { name: 'RetryLater', service: 'github' }
    always(429)
    await expect(download(shot())).rejects.toMatchObject({ ...limited, until: 1_060_000 })
    always(403, { 'retry-after': '7' })
    await expect(download(shot())).rejects.toMatchObject({ ...limited, until: 1_007_000 })
    always(410)
    expect(await refusal(download(shot()))).toBe('GitHub answered 410 when it was downloaded')
    always(502)
    await hasNoResponse()
    site.handle = ({ socket }) => socket.destroy()
    await hasNoResponse()
    begins({ 'content-type': 'image/png', 'content-length': 100 }, ({ socket }) => socket.destroy())
    await hasNoResponse()
  })
})

describe('on github.com', () => {
  const thread = { ...issueThread }
  const storage = 'https://github-production-user-asset-6210df.s3.amazonaws.com'
  const signedHost = 'https://private-user-images.githubusercontent.com'
  /** Only in this form do answers have HTML. */
  const api = [
    'https://api.github.com',
    { reqheaders: { accept: 'application/vnd.github.v3.full+json' } },
  ] as const
  const seen: string[] = []

  beforeAll(() => {
    nock.activate()
    nock.disableNetConnect()
  })
  beforeEach(() => {
    seen.length = 0
  })
  afterEach(() => nock.cleanAll())
  afterAll(() => {
    nock.enableNetConnect()
    nock.restore()
  })

  function answers(
    host: string,
    route: string,
    reply: [number, string | Buffer, Record<string, string>?],
  ): void {
    nock(host)
      .get(route)
      .query(true)
      .reply(function () {
        const token = this.req.headers.authorization
        seen.push(`${new URL(host).host} ${token ?? 'anonymous'}`)
        return reply
      })
  }

  const image: [number, Buffer, Record<string, string>] = [
    200,
    png,
    { 'content-type': 'image/png' },
  ]
  const onGitHub = (url: string, given: Given = {}) =>
    download({ name: 'Image', url }, { webUrl: thread.url, ...given })

  test('the token is for github.com and not for its storage', async () => {
    answers('https://github.com', path, [
      302,
      '',
      { location: `${storage}/1/${uuid}.png?X-Amz-Signature=a` },
    ])
    answers(storage, `/1/${uuid}.png`, image)
    expect((await onGitHub(`https://github.com${path}`)).name).toBe('Image.png')
    expect(seen).toEqual([
      'github.com token secret',
      'github-production-user-asset-6210df.s3.amazonaws.com anonymous',
    ])
  })

  test('the token is only for what begins on github.com', async () => {
    answers('https://user-images.githubusercontent.com', '/1/a.png', [
      302,
      '',
      { location: `https://github.com${path}` },
    ])
    answers('https://github.com', path, image)
    await onGitHub('https://user-images.githubusercontent.com/1/a.png')
    expect(seen).toEqual(['user-images.githubusercontent.com anonymous', 'github.com anonymous'])
  })

  test('what the App may not have is taken from its signed address', async () => {
    answers('https://github.com', path, [404, ''])
    answers(signedHost, `/1/2-${uuid}.png`, image)
    const signed = new Map([[uuid, `${signedHost}/1/2-${uuid}.png?jwt=a`]])
    await onGitHub(`https://github.com${path}`, { signed: async () => signed })
    expect(seen).toEqual([
      'github.com token secret',
      'private-user-images.githubusercontent.com anonymous',
    ])
  })

  test('an outdated signed address is replaced, and one of another host is not used', async () => {
    answers(signedHost, `/1/2-${uuid}.png`, [404, ''])
    answers(signedHost, `/1/2-${uuid}.png`, image)
    const url = `${signedHost}/1/2-${uuid}.png`
    await onGitHub(`${url}?jwt=old`, { signed: async () => new Map([[uuid, `${url}?jwt=new`]]) })
    expect(seen).toHaveLength(2)
    answers(signedHost, `/1/2-${uuid}.png`, [404, ''])
    const evil = new Map([[uuid, `https://evil.example/1/2-${uuid}.png`]])
    expect(await refusal(onGitHub(url, { signed: async () => evil }))).toBe(
      'GitHub does not let the bot download it',
    )
  })

  const access = (client: Octokit) => {
    const at = { owner: thread.owner, repo: thread.repo }
    const app = { readToken: async () => 'secret' }
    const issue = { ...at, issue_number: thread.number }
    return { client, thread, at, issue, app, now: Date.now } as unknown as ThreadAccess
  }

  const log = { debug() {}, info() {}, warn() {}, error() {} }
  test.each<[CommentRef, string[]]>([
    [{ kind: 'thread', commentId: 501 }, ['issues/7', 'issues/comments/501']],
    [
      { kind: 'inline', commentId: 601, rootId: 601, reviewId: null, inline: inlineComment() },
      ['pulls/comments/601'],
    ],
    [
      { kind: 'review', reviewId: 701, nodeId: 'R_1' },
      ['pulls/7/reviews/701', 'pulls/7/reviews/701/comments'],
    ],
  ])(
    'signed addresses are read from all HTML there is for %o, once',
    async (commentRef, routes) => {
      const ids = routes.map((_, n) => uuid.replace('880', `88${n}`))
      if (!routes.includes('issues/7'))
        nock(...api)
          .get('/repos/acme/shop/issues/7')
          .reply(404, {})
      for (const [n, route] of routes.entries()) {
        const body = { body_html: `<img src="${signedHost}/1/2-${ids[n]}.png?jwt=a&amp;b=c">` }
        nock(...api)
          .get(`/repos/acme/shop/${route}`)
          .query(true)
          .reply(200, route.endsWith('/comments') ? [body] : body)
      }
      const read = attachmentReader(access(new Octokit({ log })), commentRef)
      for (const id of ids) {
        answers('https://github.com', `/user-attachments/assets/${id}`, [404, ''])
        answers(signedHost, `/1/2-${id}.png`, image)
        const url = `https://github.com/user-attachments/assets/${id}`
        expect((await read({ name: 'Image', url })).type).toBe('image/png')
      }
      expect(nock.isDone()).toBe(true)
    },
  )
})

describe('staging', () => {
  let posthog: PostHogEmulator
  let settings: PostHogSettings
  let taskId: string
  const artifact = { name: 'Image.png', type: 'image/png', bytes: new Uint8Array(png) }
  const stage = (given: typeof artifact = artifact, to = settings) =>
    stageArtifact(to, { taskId }, given, () => 1_000_000)

  beforeEach(async () => {
    posthog = await startPostHog()
    settings = postHogAt(posthog)
    const task = { title: 'Fix', description: 'Fix it', repository: 'acme/shop', integration: '2' }
    taskId = await postHogTasks(settings, Date.now).createTask(task)
  })
  afterEach(() => posthog.close())

  test('hands a file to the run that is started with its id', async () => {
    const id = await stage()
    const other = await stage({ ...artifact, name: 'a "b"\r\n.log', type: 'text/plain' })
    const body = CodexTaskRunCreate.parse({
      runtime_adapter: 'codex',
      model: 'gpt-5.5',
      pending_user_artifact_ids: [id, other],
    })
    await postHogTasks(settings, Date.now).startRun(taskId, body, [])
    const asked = { method: 'GET', path: `tasks/${taskId}/`, schema: z.unknown() } as const
    const kept = { id, name: 'Image.png', content_type: 'image/png', size: png.length }
    expect((await call(settings, asked, Date.now)).data).toMatchObject({
      latest_run: {
        artifacts: [
          { ...kept, type: 'user_attachment', source: 'github' },
          { id: other, content_type: 'text/plain' },
        ],
      },
    })
  })

  test('hands a file to a run that lives', async () => {
    const { session } = await runAtWork(posthog)
    const first = await stageArtifact(settings, session, artifact, Date.now)
    const second = await stageArtifact(settings, session, artifact, Date.now)
    const message = {
      jsonrpc: '2.0',
      method: 'user_message',
      params: { artifact_ids: [first, second] },
    }
    const path = `tasks/${session.taskId}/runs/${session.taskRunId}/command/`
    await call(settings, { method: 'POST', path, body: message, schema: z.unknown() }, Date.now)
    expect(posthog.ledger.at(-1)).toMatchObject({ kind: 'message', body: message })
  })

  test('is refused in the words of PostHog', async () => {
    await expect(stage({ ...artifact, name: '' })).rejects.toMatchObject({ status: 400 })
    const pdf = { name: 'a.pdf', type: 'application/pdf', bytes: new Uint8Array(10 * mebibyte + 1) }
    await expect(stage(pdf)).rejects.toThrow('a.pdf exceeds the 10MB attachment limit for PDFs')
    taskId = '00000000-0000-4000-8000-000000000000'
    await expect(stage()).rejects.toMatchObject({ name: 'Rejected', status: 404 })
  })

  /** A PostHog of two answers, with its storage at the same place. */
  function answering(
    wrap: (entry: object) => unknown,
    storage: Handler,
    finalized = { id: 'a' },
  ): PostHogSettings {
    const form = { url: `${site.url}/storage`, fields: { key: 'k', policy: 'p' } }
    site.handle = (request, response) => {
      if (request.url === '/storage') return storage(request, response)
      const prepared = { id: 'a', storage_path: 'k', presigned_post: form, expires_in: 3600 }
      const entry = request.url?.includes('prepare_upload') ? prepared : finalized
      response
        .writeHead(200, { 'content-type': 'application/json' })
        .end(JSON.stringify(wrap(entry)))
    }
    return postHogAt(site)
  }
  const stored: Handler = (_, response) => response.writeHead(204).end()

  const bare = (entry: object): unknown => [entry]
  test.each([
    ['wrapped', entry => ({ artifacts: [entry] })],
    ['bare', bare],
  ])('reads answers that are %s, and gives storage no key', async (_, wrap) => {
    expect(await stage(artifact, answering(wrap, stored))).toBe('a')
    const path = `/api/projects/1/tasks/${taskId}/staged_artifacts`
    expect(site.asked).toEqual([
      `${path}/prepare_upload/ Bearer phx_key`,
      '/storage anonymous',
      `${path}/finalize_upload/ Bearer phx_key`,
    ])
  })

  test.each([
    [403, 'AccessDenied', 'Rejected: its file storage refused: AccessDenied'],
    [400, '', 'Rejected: its file storage refused: 400'],
    [503, 'SlowDown', 'NoResponse: PostHog answered 503: its file storage refused: SlowDown'],
  ])('tells what storage said: %i %s', async (status, code, said) => {
    const body = code && `<Error><Code>${code}</Code></Error>`
    const to = answering(bare, (_, response) => response.writeHead(status).end(body))
    expect(await refusal(stage(artifact, to))).toBe(said)
  })

  test('does not follow storage elsewhere, nor believe odd answers', async () => {
    const away: Handler = (_, response) => response.writeHead(307, { location: other.url }).end()
    await expect(stage(artifact, answering(bare, away))).rejects.toThrow('refused: 307')
    expect(other.asked).toEqual([])
    for (const wrap of [() => [], () => ({ artifacts: [] }), (entry: object) => entry, () => null])
      await expect(stage(artifact, answering(wrap, stored))).rejects.toThrow(NoResponse)
    const another = answering(bare, stored, { id: 'b' })
    await expect(stage(artifact, another)).rejects.toThrow('did not confirm')
  })
})

describe('the attachments of a Run', () => {
  const url = (name: string) => `https://github.com/user-attachments/files/1/${name}`
  const several = (...names: string[]): Attachment[] =>
    names.map(name => ({ name, url: url(name) }))

  const textFile = (name: string) => ({ name, type: 'text/plain', bytes: new Uint8Array([1]) })

  interface Given {
    download: (attachment: Attachment) => Promise<AttachmentFile>
    stage: (file: AttachmentFile) => Promise<string>
    assertLocked: () => Promise<void>
    now: () => number
  }

  function staging(given: Partial<Given> = {}) {
    const logged: string[] = []
    const log = (level: string) => (fields: object, message: string) =>
      void logged.push(`${level} ${message}: ${'attachment' in fields ? fields.attachment : ''}`)
    const { download, stage, assertLocked, now }: Given = {
      download: async ({ name }) => textFile(name),
      stage: async ({ name }) => `id of ${name}`,
      assertLocked: async () => {},
      now: () => 0,
      ...given,
    }
    const context = {
      run: runWith(),
      deps: { now, log: fakeLog({ info: log('info'), warn: log('warn'), error: log('error') }) },
      github: { comments: { attachments: () => download } },
      posthog: { stageArtifact: (_: object, file: AttachmentFile) => stage(file) },
      job: { assertLocked },
    }
    const to = { taskId: 'task-1' }
    /** What could not be passed on, with the reason. */
    async function stageAll(...names: string[]) {
      const { failed, ...passedOn } = await attach(context, several(...names), to)
      return { ...passedOn, failed: failed.map(({ name, why }) => `${name}: ${why}`) }
    }
    return { logged, stage: stageAll }
  }

  test('are those of the command, of what it is about, then of the thread', () => {
    const attached = several('a.log', 'b.log')
    const lines = [{ ...inlineComment(), attached: several('inline.log') }]
    const run = runWith({
      request: { ...runWith().request, attached, inline: lines },
      workspace: { threadContext: contextFor('a', { attached: several('c.log', 'a.log') }) },
    })
    expect(attachmentsOf(run)).toEqual(several('a.log', 'b.log', 'inline.log', 'c.log'))
    const earlier = { taskId: 'task-1', taskRunId: 'run-1', over: true }
    const goesOn = changed(run, { session: { earlier } })
    expect(attachmentsOf(goesOn)).toEqual(several('a.log', 'b.log', 'inline.log'))
  })

  test('that can not be had are named with the reason, and the others go on', async () => {
    const faults: Record<string, Error> = {
      'a.log': new BadAttachment('it is empty'),
      'b.log': new Rejected('posthog', 400, '', 'x'.repeat(500)),
      'c.log': new Rejected('github', 403, '', 'Resource not accessible'),
      'd.log': new TypeError('a bug'),
    }
    const { stage, logged } = staging({
      download: async ({ name }) => {
        if (faults[name]) throw faults[name]
        return textFile(name)
      },
    })
    expect(await stage(...Object.keys(faults), 'e.log')).toEqual({
      ids: ['id of attachment-1.log'],
      names: ['e.log'],
      failed: [
        'a.log: it is empty',
        `b.log: PostHog refused: ${'x'.repeat(200)}`,
        'c.log: GitHub refused: Resource not accessible',
        'd.log: the bot itself failed at it',
      ],
    })
    expect(logged).toEqual([
      'warn attachment not passed on: a.log',
      'warn attachment not passed on: b.log',
      'warn attachment not passed on: c.log',
      'error attachment not passed on: d.log',
    ])
  })

  test('are tried once more when no answer came', async () => {
    let downloads = 0
    let stagings = 0
    const { stage } = staging({
      download: async ({ name }) => {
        if (++downloads === 1) throw new NoResponse('github', 'lost')
        return textFile(name)
      },
      stage: async () => {
        stagings++
        throw new NoResponse('posthog', 'lost')
      },
    })
    const failed = ['a.log: PostHog did not answer']
    expect(await stage('a.log')).toEqual({ ids: [], names: [], failed })
    expect({ downloads, stagings }).toEqual({ downloads: 2, stagings: 2 })
  })

  test('wait for a limit, and stop when the job is somebody else’s', async () => {
    const limit = new RetryLater('posthog', 1, 'rate-limit', 'slow down')
    await expect(staging({ stage: () => Promise.reject(limit) }).stage('a.log')).rejects.toBe(limit)
    const lost = new Error('the lock is lost')
    const taken = staging({ assertLocked: () => Promise.reject(lost) })
    await expect(taken.stage('a.log')).rejects.toBe(lost)
    await expect(taken.stage()).resolves.toEqual({ ids: [], failed: [] })
  })

  test('are ten at most, and a few more are named', async () => {
    const names = Array.from({ length: 30 }, (_, index) => `${index}.log`)
    let tries = 0
    const refusing = staging({
      stage: async ({ name }) => {
        if (name === 'attachment-4.log' && ++tries === 1) throw new BadAttachment('it is empty')
        return name
      },
    })
    const { ids, names: passedOn, failed } = await refusing.stage(...names)
    expect(ids).toEqual(Array.from({ length: 10 }, (_, at) => `attachment-${at + 1}.log`))
    expect(passedOn).toEqual(names.slice(0, 11).filter(name => name !== '3.log'))
    expect(failed).toHaveLength(10)
    expect(failed.slice(0, 2)).toEqual([
      '3.log: it is empty',
      '11.log: no more than 10 are passed on',
    ])
  })

  test('do not hold up the run for long', async () => {
    let clock = 0
    const slow = staging({
      now: () => clock,
      stage: async ({ name }) => {
        clock += 130_000
        return name
      },
    })
    expect(await slow.stage('a.log', 'b.log')).toEqual({
      ids: ['attachment-1.log'],
      names: ['a.log'],
      failed: ['b.log: there was no time left for it'],
    })
  })
})
