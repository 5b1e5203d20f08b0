/** `npm run demo -- --keep` tells its story, and leaves the thread as a page to play with. */
import { expect, test } from 'vitest'
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
