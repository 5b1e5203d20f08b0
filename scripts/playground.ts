/** Plays in the playground and takes the pictures of it that are in docs: `node --import tsx scripts/playground.ts`. */
import { startPlayground, Visitor } from '../test/demo/visitor.ts'
import { type Look, openWindow } from '../test/world/browser.ts'

const folder = new URL('../docs/', import.meta.url).pathname

const pictures: Readonly<Record<string, Look>> = {
  playground: { width: 1360, height: 940 },
  'playground-phone-dark': { width: 390, height: 844, dark: true },
}

const playground = await startPlayground()
try {
  for (const [name, look] of Object.entries(pictures)) {
    const window = await openWindow(look)
    const { page } = window
    const visitor = new Visitor(window, playground.address)
    await visitor.goes(1)
    await visitor.lets('hangs')
    if (name === 'playground') await visitor.comments('/codex fix the flaky login test')
    await visitor.sees('Codex is working')
    await visitor.seesState('It is in the middle of its turn.')
    await page.screenshot({ path: `${folder}${name}.png` })
    await window.close()
  }
} finally {
  await playground.close()
}
