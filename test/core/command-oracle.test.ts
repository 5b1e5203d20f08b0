/** A command is only what GitHub shows as a paragraph of the writer's own: its Markdown engine is the judge. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { findCommands } from '../../src/core/command/find.ts'
import { cmarkAvailable, render, renderAll } from '../support/cmark-gfm.ts'
import { markdownPieces } from '../support/markdown-pieces.ts'
import { seen } from '../support/pages.ts'
import { sampleSeed, tries } from '../support/tries.ts'

/** Without whole comments: what stands open behind one on its line takes tags of the page with it, which the judge leaves in. */
const pieces = markdownPieces.filter(piece => piece === '-->' || !piece.includes('-->'))
const line = fc.array(fc.constantFrom(...pieces), { maxLength: 4 }).map(parts => parts.join(''))
const command = fc
  .tuple(fc.constantFrom('', ' ', '   ', '    ', '> ', '- ', '`', 'x '), fc.nat())
  .map(([before, n]) => `${before}/codex do${n}`)
const text = fc
  .array(fc.oneof({ weight: 3, arbitrary: line }, { weight: 2, arbitrary: command }), {
    minLength: 1,
    maxLength: 9,
  })
  .chain(lines => fc.constantFrom('\n', '\r\n', '\n\n').map(end => lines.join(end)))

/** Parts of the page that are no words of the writer's own to us. */
const foreign =
  /<(pre|code|blockquote|a|script|style|textarea|section)\b[\s\S]*?<\/\1>|<img\b[^>]*>|<!--[\s\S]*?-->/g

/** The lines of paragraphs, table cells and the like as they are read, without what is foreign. */
const visibleLines = (html: string): string[] =>
  html
    .replace(foreign, '\ufffc')
    .replace(/<br \/>\n?/g, '\n')
    .split(/<\/?(?:p|li|ul|ol|h[1-6]|table|tr|t[dh]|thead|tbody|hr|div)\b[^>]*>|\n/)
    .map(one => one.replace(/<[^>]*>/g, '').trim())

describe.skipIf(!cmarkAvailable())('GitHub’s Markdown engine', () => {
  test.each([
    ['HTML below a list', '- a\n<b>\n/codex do1'],
    ['HTML below a footnote', '[^1]: a\n<b>\n/codex do1'],
    ['HTML with a form feed behind it', '<b>\f\n/codex do1'],
    ['a quote that goes on over a form feed', '> a\n\f\nwords\n/codex do1'],
    ['a quote that goes on over a non-breaking space', '> a\n\u00a0\nwords\n/codex do1'],
  ])('takes for no words of the writer: %s', (_, source) => {
    expect(visibleLines(render(source, { raw: false }))).not.toContain('/codex do1')
    expect(findCommands(seen(source)).commands).toEqual([])
  })

  test('shows each command that is found at the start of a visible line', () => {
    const texts = fc.sample(text, { numRuns: tries(1_500), seed: sampleSeed(7) })
    const found = texts.map(source => findCommands(seen(source)).commands)
    expect(found.filter(commands => commands.length > 0).length).toBeGreaterThan(100)
    const pages = renderAll(texts, { raw: false })
    const wrong = texts.flatMap((source, index) => {
      const lines = visibleLines(pages[index] ?? '')
      return (found[index] ?? [])
        .map(({ line }) => /do\d+/.exec(line)?.[0] ?? line)
        .filter(word => !lines.some(shown => shown.startsWith(`/codex ${word}`)))
        .map(word => ({ word, source, page: pages[index] }))
    })
    expect(wrong.slice(0, 3)).toEqual([])
  })
})
