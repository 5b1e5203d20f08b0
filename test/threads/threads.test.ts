/** Each kind of thread as GitHub's own engine reads it, and as the pictures in docs/threads show it. */
import { existsSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { cmarkAvailable, renderAll } from '../support/cmark-gfm.ts'
import { pageOfThreads } from './index-page.ts'
import { kinds } from './kinds.ts'

const folder = new URL('../../docs/threads/', import.meta.url)

test('the pictures show the sentences of now: else run `npm run threads`', () => {
  expect(readFileSync(new URL('README.md', folder), 'utf8')).toBe(pageOfThreads())
  for (const name of Object.keys(kinds))
    for (const scheme of ['light', 'dark'])
      expect(existsSync(new URL(`${name}-${scheme}.png`, folder)), `${name}-${scheme}.png`).toBe(true)
})

const ours = Object.entries(kinds).flatMap(([name, { comments }]) =>
  comments
    .filter(({ author }) => author === 'codex')
    .map(({ body }, index) => ({ name: `${name} ${index + 1}`, body })),
)

/** What is not folded away. */
const open = (html: string): string => html.replace(/<details>[\s\S]*?<\/details>/g, '')

test.skipIf(!cmarkAvailable())(
  'every comment is whole: one heading at most, all that is opened is closed',
  () => {
    const pages = renderAll(ours.map(({ body }) => body))
    for (const [index, html] of pages.entries()) {
      const { name, body } = ours[index] ?? { name: '', body: '' }
      const count = (sign: RegExp): number => html.match(sign)?.length ?? 0
      expect(count(/<h3>/g), `${name}: headings`).toBe(body.startsWith('### ') ? 1 : 0)
      expect(count(/<h[1-24-6]/g), `${name}: other headings`).toBe(0)
      expect(count(/<details>/g), `${name}: folds`).toBe(count(/<\/details>/g))
      expect(count(/<summary>/g), `${name}: summaries`).toBe(count(/<details>/g))
      expect(count(/<sub>/g), `${name}: small lines`).toBe(count(/<\/sub>/g))
      // A box that is no item of a task list can't be ticked.
      expect(count(/<input type="checkbox"/g), `${name}: boxes`).toBe(body.match(/codex-box:/g)?.length ?? 0)
      // Signs that Markdown should have taken away.
      expect(open(html).replace(/<code>[\s\S]*?<\/code>/g, ''), name).not.toMatch(
        /\*\*|\]\(|&lt;(?:sub|details)/,
      )
    }
  },
)

test.skipIf(!cmarkAvailable())('a result is one line, with one small line of the rest', () => {
  const over = ours.filter(({ body }) => /^### (?:🚀|💬|📋)/.test(body))
  expect(over.length).toBeGreaterThan(3)
  for (const [index, html] of renderAll(over.map(({ body }) => body)).entries()) {
    const blocks = open(html).match(/<(?:h3|p|ul|ol|blockquote|table)>/g)
    expect(blocks, over[index]?.name).toEqual(['<h3>', '<p>'])
    expect(html, over[index]?.name).toMatch(/<p><sub>[^\n]*<\/sub><\/p>\s*$/)
  }
})
