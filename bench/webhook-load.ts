/** Signed webhooks as GitHub sends them, 8 KB each, over connections that are kept; every one with an id of its own. */
import { createHmac } from 'node:crypto'
import { connect, type Socket } from 'node:net'

export interface Target {
  port: number
  path: string
  secret: string
}

const prose = (
  'The login test fails every third time on CI, see https://github.com/acme/shop/actions/runs/123 and `src/auth/login.test.ts`.\n' +
  'It waits 500 ms for a token that takes longer; @sam said that a retry hides it, and 0123456789abcdef0123456789abcdef01234567 made it worse.\n\n'
).repeat(10)

/** Of one process: comments of an earlier run of it would be known already. */
let lastComment = 1000

function payload(withCommand: boolean): string {
  const id = ++lastComment
  // Of one account, the door takes only so many bytes in an hour.
  const user = { login: 'maya', id: 11 + Math.floor(id / 100), type: 'User', site_admin: false }
  const url = 'https://github.com/acme/shop'
  return JSON.stringify({
    action: 'created',
    issue: {
      id: 1,
      number: 7,
      title: 'Login is flaky',
      body: prose,
      user,
      state: 'open',
      labels: [],
      locked: false,
      html_url: `${url}/issues/7`,
    },
    comment: {
      id,
      node_id: `IC_${id}`,
      user,
      author_association: 'MEMBER',
      created_at: new Date().toISOString(),
      html_url: `${url}/issues/7#issuecomment-${id}`,
      body: `${withCommand ? '/codex fix it\n\n' : ''}${prose}`,
    },
    repository: {
      id: 100,
      name: 'shop',
      full_name: 'acme/shop',
      owner: { login: 'acme', id: 1 },
      private: true,
      html_url: url,
      default_branch: 'main',
      description: prose.slice(0, 1_500),
    },
    sender: user,
    installation: { id: 1 },
  })
}

export function webhookRequest({ port, path, secret }: Target, withCommand: boolean): Buffer {
  const body = payload(withCommand)
  const signature = createHmac('sha256', secret).update(body).digest('hex')
  return Buffer.from(
    [
      `POST ${path} HTTP/1.1`,
      `host: 127.0.0.1:${port}`,
      'content-type: application/json',
      `content-length: ${Buffer.byteLength(body)}`,
      'x-github-event: issue_comment',
      `x-github-delivery: ${lastComment}-0000-0000`,
      `x-hub-signature-256: sha256=${signature}`,
      '',
      body,
    ].join('\r\n'),
  )
}

/** Sends all of them, `connections` at a time. @returns answers in a second */
export async function throughput(
  target: Target,
  requests: readonly Buffer[],
  connections = 32,
): Promise<number> {
  const queue = [...requests]
  const began = performance.now()
  await Promise.all(Array.from({ length: connections }, () => drain(target.port, queue)))
  return (requests.length / (performance.now() - began)) * 1000
}

/** Sends them at a steady rate, however late the answers. @returns ms of each answer */
export async function latencies(
  target: Target,
  requests: readonly Buffer[],
  perSecond: number,
): Promise<number[]> {
  const sockets = await Promise.all(Array.from({ length: 20 }, () => open(target.port)))
  const free = [...sockets]
  const began = performance.now()
  const took = requests.map(async (request, n) => {
    const due = began + (n * 1000) / perSecond
    await new Promise(resolve => setTimeout(resolve, due - performance.now()))
    const socket = free.shift() ?? (await open(target.port))
    await send(socket, request)
    free.push(socket)
    return performance.now() - due
  })
  const all = await Promise.all(took)
  for (const socket of free) socket.destroy()
  return all
}

async function drain(port: number, queue: Buffer[]): Promise<void> {
  const socket = await open(port)
  for (let next = queue.pop(); next; next = queue.pop()) await send(socket, next)
  socket.destroy()
}

function open(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => resolve(socket)).setNoDelay(true)
    socket.once('error', reject)
  })
}

function send(socket: Socket, request: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    let text = ''
    const read = (chunk: Buffer): void => {
      text += chunk.toString('latin1')
      const status = isWhole(text)
      if (status === undefined) return
      socket.off('data', read).off('close', broken)
      // One that is turned away costs less.
      if (status < 300 && !text.includes('too much by one account')) resolve()
      else reject(new Error(`answered ${text.slice(0, 300)}`))
    }
    const broken = (): void => reject(new Error('the connection broke'))
    socket.on('data', read).once('close', broken)
    socket.write(request)
  })
}

/** The status, once all of the answer is there. */
function isWhole(text: string): number | undefined {
  const end = text.indexOf('\r\n\r\n')
  if (end < 0) return undefined
  const head = text.slice(0, end).toLowerCase()
  const length = /content-length: (\d+)/.exec(head)?.[1]
  const whole =
    length === undefined ? text.endsWith('0\r\n\r\n') : text.length >= end + 4 + Number(length)
  return whole ? Number(head.slice(9, 12)) : undefined
}
