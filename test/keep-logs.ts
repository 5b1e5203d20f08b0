/** A red test says what its bots logged as errors, and where all that they logged is. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach } from 'vitest'
import { type Bot, onBotStart } from './world/bot.ts'

const folder = join(import.meta.dirname, '..', 'reports', 'logs')

let started: Bot[] = []
onBotStart(bot => started.push(bot))

afterEach(({ task }) => {
  if (task.result?.state !== 'fail' || started.length === 0) return
  mkdirSync(folder, { recursive: true })
  const log = started.map(bot => bot.output()).join('')
  const path = join(folder, `${task.name.replace(/[^\w-]+/g, '-').slice(0, 80)}-${process.pid}.log`)
  writeFileSync(path, log)
  const errors = log.match(/.*"level":"(?:fatal|error)".*/g) ?? []
  console.error(
    [`“${task.name}” is red: all that its bots logged is in ${path}`, ...errors].join('\n'),
  )
})
afterAll(() => {
  started = []
})
