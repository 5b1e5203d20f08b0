/** `npm run demo` says what it does from its first moment to its end; with `--keep` it leaves the thread as a page. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { z } from 'zod'
import { command, issue } from '../../demo/shop.ts'
import { started } from './visitor.ts'

test('the thread of the story is there until the demo is ended', async () => {
  const demo = await started(['demo/main.ts', '--keep'], /as a page to play with: (http:\S+)/)
  const page = await (await fetch(demo.address)).text()
  expect(page).toContain(issue.title)
  expect(page).toContain(command)
  await demo.close()
  await expect(fetch(demo.address)).rejects.toThrow()
})

test('ends with what helps next', async () => {
  const demo = await started(['demo/main.ts'], /above: (npm run demo -- --keep)/)
  await demo.close()
})

test.each(['demo', 'play'])('npm run %s says that it builds before it does', name => {
  const { scripts } = z
    .object({ scripts: z.record(z.string(), z.string()) })
    .parse(JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')))
  const folder = mkdtempSync(join(tmpdir(), 'demo-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const stub = { [`pre${name}`]: scripts[`pre${name}`], build: 'echo built', [name]: 'echo begun' }
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ scripts: stub }))
  const said = execFileSync('npm', ['run', '--silent', name], { cwd: folder, encoding: 'utf8' })
  expect(said.trim().split('\n')).toEqual(['Building…', 'built', 'begun'])
})
