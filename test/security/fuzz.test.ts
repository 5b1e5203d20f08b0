import { expect, test } from 'vitest'
import { fuzz } from './fuzz.ts'

test('hostile payloads break nothing, start nothing and bring nothing out', {
  timeout: 120_000,
}, async () => {
  const { inputs, taken, runs, comments, findings } = await fuzz({ seed: 1, inputs: 999 })
  expect(findings).toEqual([])
  // They get far enough to do harm.
  expect(inputs).toBe(999)
  expect(taken).toBeGreaterThan(200)
  expect(runs).toBeGreaterThan(20)
  expect(comments).toBeGreaterThan(200)
})
