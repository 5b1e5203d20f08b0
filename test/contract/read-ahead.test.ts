/** What one client read of a thread, and another one has from the record: once, for a moment, and no more than fits. */
import { describe, expect, test } from 'vitest'
import { prefetchedParts } from '../../src/github/read-ahead.ts'

const branches = {
  linked: [],
  ours: [],
  base: { name: 'main', sha: 'a'.repeat(40) },
  elsewhere: { repository: 'acme/other', branch: 'x' },
  ids: { issue: 'I_1', repository: 'R_1' },
}
const times = { createdAt: 0, updatedAt: 0 }
const comment = {
  id: 1,
  bot: false,
  insider: false,
  in: 'thread' as const,
  ...times,
  body: 'hush, as said',
}
const redact = (text: string): string => text.replaceAll('hush', '•••')

/** What the first has read, and the second from the first's record. */
function clients(read = { comments: [comment] }) {
  let at = 1_000
  const now = () => at
  const first = prefetchedParts(undefined, now)
  first.keep({ open: true, branches, settings: { text: 'model: gpt-5' }, ...read })
  const recorded = (): unknown => JSON.parse(JSON.stringify(first.carried(redact) ?? null))
  return {
    first,
    recorded,
    second: () => prefetchedParts(recorded(), now),
    pass: (ms: number) => (at += ms),
  }
}

describe('what was read ahead', () => {
  test('is in the record, but for what the command alone needs, and for secrets', () => {
    const second = clients().second()
    expect(second.take('open')).toBe(true)
    expect(second.take('branches')).toEqual(branches)
    expect(second.take('comments')).toEqual([{ ...comment, body: '•••, as said' }])
    expect(second.see('settings')).toBeUndefined()
  })

  test('is given out once', () => {
    const { first, second } = clients()
    expect([first.take('branches'), first.take('branches')]).toEqual([branches, undefined])
    expect(second().take('branches')).toBeUndefined()
  })

  test('is not in the record where it is too long for it', () => {
    const long = Array.from({ length: 11 }, (_, id) => ({
      ...comment,
      id,
      body: 'x'.repeat(5_000),
    }))
    const { first, second } = clients({ comments: long })
    expect(second().see('comments')).toBeUndefined()
    expect(second().see('open')).toBe(true)
    expect(first.see('comments')).toBe(long)
  })

  test('grows no younger on its way', () => {
    const { first, second, recorded, pass } = clients()
    pass(9_000)
    const late = second()
    expect(late.see('open')).toBe(true)
    pass(1_500)
    expect([late.see('open'), first.see('open'), recorded()]).toEqual([undefined, undefined, null])
  })

  test('lasts no longer where the clock is behind that of the process that read it', () => {
    let at = 1_000
    const behind = prefetchedParts({ at: 46_000, open: true }, () => at)
    expect(behind.see('open')).toBe(true)
    at += 10_001
    expect(behind.see('open')).toBeUndefined()
  })

  const asRest = { id: 1, user: null, created_at: '', updated_at: '' }
  test.each([
    ...[null, {}, { at: 'now' }, { at: 1, branches: { linked: 7 } }],
    { at: 1, open: true, comments: [asRest] },
  ])('of another version is left alone: %j', brought => {
    const { see } = prefetchedParts(brought, () => 2)
    expect([see('open'), see('branches')]).toEqual([undefined, undefined])
  })
})
