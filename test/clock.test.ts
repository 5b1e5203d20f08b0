/** The clock that everything in the process goes by. */
import { expect, test } from 'vitest'
import { openClock } from '../src/bot/runtime.ts'

const at = Date.parse('2026-11-27T09:00:00Z')
const hour = 3_600_000
const date = (ms: number) => new Date(ms).toUTCString()

function machine(wrong = 0) {
  let passed = 0
  let set = wrong
  const clock = openClock(
    () => at + passed + set,
    () => passed,
  )
  return {
    clock,
    pass(ms: number) {
      passed += ms
    },
    putBy(ms: number) {
      set += ms
    },
    off: () => clock.now() - (at + passed),
    now: () => at + passed,
  }
}

test.each([600_000, -600_000])('a machine’s clock that is moved by %s ms moves it not', by => {
  const { putBy, pass, off } = machine()
  putBy(by)
  pass(5_000)
  expect(off()).toBe(0)
})

test.each([300_000, -300_000, hour, -hour])(
  'one that is wrong by %s ms is set by an answer',
  wrong => {
    const { clock, off, pass, now } = machine(wrong)
    const askedAt = clock.now()
    pass(200)
    clock.setBy(date(now()), askedAt)
    expect(Math.abs(off())).toBeLessThanOrEqual(1_000)
  },
)

test.each([
  ['is read late', 0, 60_000],
  ['was long on its way here', 30_000, 60_000],
  ['comes at once', 0, 0],
])('an answer that %s says nothing against a clock that is right', (_, sentAfter, readAfter) => {
  const { clock, off, pass, now } = machine()
  pass(777)
  const askedAt = clock.now()
  pass(sentAfter)
  const sent = date(now())
  pass(readAfter)
  clock.setBy(sent, askedAt)
  expect(off()).toBe(0)
})

test.each([undefined, '', 'yesterday', 7])('a date like %s says nothing', said => {
  const { clock, off } = machine()
  clock.setBy(said, clock.now())
  expect(off()).toBe(0)
})
