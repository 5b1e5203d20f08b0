import { afterEach, expect, test, vi } from 'vitest'
import { Rejected } from '../src/core/model/errors.ts'
import type { Log } from '../src/core/model/ports.ts'
import { redactor } from '../src/core/text/redact.ts'
import { openLog } from '../src/web/process-log.ts'

afterEach(() => void vi.restoreAllMocks())

const key = 'phx_0123456789abcdefghij'

test('the lines of a child say what it is about, once, and no secret', async () => {
  const log = await openLog({ level: 'info', format: 'json' }, redactor([key]))
  const written: string[] = []
  vi.spyOn(process.stdout, 'write').mockImplementation(text => Boolean(written.push(String(text))))
  const about = log.child({ trigger: 'comment-501', delivery: undefined, said: `my key is ${key}` })
  about.debug({}, 'not at this level')
  about.warn({ err: new Error(`refused: ${key}`) }, `with ${key}`)
  await new Promise(setImmediate)
  vi.restoreAllMocks()
  const line = written.join('')
  expect(line).not.toContain(key)
  expect(line.match(/"trigger"/g)).toHaveLength(1)
  expect(JSON.parse(line)).toMatchObject({
    name: 'codex-task-bot',
    level: 'warn',
    trigger: 'comment-501',
    said: 'my key is ‹redacted›',
    err: { type: 'Error', message: 'refused: ‹redacted›' },
    msg: 'with ‹redacted›',
  })
  expect(JSON.parse(line)).not.toHaveProperty('delivery')
})

test.each<['json' | 'pretty']>([['json'], ['pretty']])(
  'what a service refuses has no stack, what is a bug has one (%s), and each line has its time',
  async format => {
    const written: string[] = []
    vi.spyOn(process.stdout, 'write').mockImplementation(text =>
      Boolean(written.push(String(text))),
    )
    const log: Log = await openLog({ level: 'info', format }, text => text)
    const linesOf = async (error: Error) => {
      written.length = 0
      log.warn({ err: error }, 'refused')
      await new Promise(setImmediate)
      return written.join('')
    }
    const refused = await linesOf(new Rejected('github', 403, 'forbidden', 'Not for you.'))
    const bug = await linesOf(new TypeError('x is undefined'))
    vi.restoreAllMocks()
    expect(refused).toMatch(/Not for you\.[\s\S]*403|403[\s\S]*Not for you\./)
    expect(refused).not.toMatch(/process-log\.test|stack/)
    expect(bug).toContain('process-log.test')
    expect(refused).toMatch(
      format === 'json'
        ? /^\{"level":"warn","time":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z",/
        : /^\[\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z\] WARN/,
    )
  },
)
