/** Each kind of thread as GitHub's own engine reads it, and as the pictures in docs/threads show it. */
import { existsSync, readFileSync, statSync } from 'node:fs'
import { expect, test } from 'vitest'
import { cmarkAvailable, renderAll } from '../support/cmark-gfm.ts'
import { driveThreads } from './drive.ts'
import { movingDigest, pageOfThreads, said, storedThreads } from './index-page.ts'

const folder = new URL('../../docs/threads/', import.meta.url)
const threads = storedThreads()

test('the pictures show what the bot posted: else run `npm run threads`', () => {
  expect(readFileSync(new URL('README.md', folder), 'utf8')).toBe(pageOfThreads(threads))
  for (const name of Object.keys(threads))
    for (const scheme of ['light', 'dark', 'phone-light']) {
      const picture = new URL(`${name}-${scheme}.png`, folder)
      expect(existsSync(picture), `${name}-${scheme}.png`).toBe(true)
      expect(statSync(picture).size, `${name}-${scheme}.png`).toBeLessThan(200_000)
    }
})

test.each(['light', 'dark'])(
  'the moving picture of the README shows the same, %s, within a megabyte: else run `npm run threads -- moving`',
  scheme => {
    const picture = readFileSync(new URL(`../moving-${scheme}.png`, folder))
    expect(picture.length).toBeLessThan(1_000_000)
    expect(picture.includes(`Comment\0${movingDigest(threads)}`)).toBe(true)
    expect(picture.readUInt32BE(picture.indexOf('acTL') + 4)).toBe(4)
  },
)

test('every alternative text says what is in the picture, each once', () => {
  const alts = Object.values(threads).map(({ alt }) => alt)
  expect(new Set(alts).size).toBe(alts.length)
  for (const alt of alts) expect(alt.split(' ').length, alt).toBeGreaterThan(5)
})

test('of each reaction there is a picture', () => {
  const seen = Object.values(threads).flatMap(({ comments }) =>
    comments.flatMap(({ reactions }) => reactions),
  )
  expect([...new Set(seen)].toSorted()).toEqual(['+1', '-1', 'confused', 'eyes', 'rocket'])
})

const ours = Object.entries(threads).flatMap(([name, { comments }]) =>
  comments
    .filter(({ author }) => author === 'codex')
    .map(({ body, minimized }, index) => ({ name: `${name} ${index + 1}`, body, minimized })),
)

/** What is not folded away. */
const open = (html: string): string => html.replace(/<details>[\s\S]*?<\/details>/g, '')

test.skipIf(!cmarkAvailable())('a result that is folded away is one line', () => {
  const over = ours.filter(({ body, minimized }) => minimized && /^### (?:🚀|💬|📋)/.test(body))
  expect(over.length).toBeGreaterThan(3)
  for (const [index, html] of renderAll(over.map(({ body }) => body)).entries()) {
    const blocks = open(html).match(/<(?:h3|p|ul|ol|blockquote|table)>/g)
    expect(blocks, over[index]?.name).toEqual(['<h3>'])
  }
})

/** The outer blocks of a comment, as far as they are open. */
const blocksOf = (html: string): string[] => {
  const outer = open(html)
    .replace(/<blockquote>[\s\S]*?<\/blockquote>/g, '<quote>')
    .replace(/<li>[\s\S]*?<\/li>/g, '')
  return outer.match(/<(?:h3|p|ul|ol|quote|table|pre)(?=[ >])/g)?.map(tag => tag.slice(1)) ?? []
}

const lastWords = Object.entries(threads).flatMap(([name, { comments }]) =>
  comments.flatMap(({ body, author }, index) =>
    comments[index - 1]?.minimized && author === 'codex' ? [{ name, body }] : [],
  ),
)

test.skipIf(!cmarkAvailable())(
  'below each status that is folded away stands what came of it, to whom, and one small line',
  () => {
    expect(lastWords.length).toBeGreaterThan(4)
    for (const [index, html] of renderAll(lastWords.map(({ body }) => body)).entries()) {
      const { name = '' } = lastWords[index] ?? {}
      expect(html, name).toMatch(/^<p>(?:@\w+(?: |<\/p>)|🎉 |⚠️ )/)
      expect(html, name).toMatch(/<p><sub>[^\n]*<\/sub><\/p>\s*$/)
      const [first, ...rest] = blocksOf(html)
      expect(first, name).toBe('p')
      expect(rest.at(-1), name).toBe('p')
      // What the agent said, below a line of ours where it did not finish, what to do, and a box: no more stands open.
      expect(rest.length, name).toBeLessThanOrEqual(5)
    }
  },
)

test('the pictures show what the bot posts now: else run `npm run threads`', async () => {
  expect(said(await driveThreads())).toEqual(said(threads))
})
