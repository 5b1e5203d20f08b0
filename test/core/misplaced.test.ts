/** A command where none is read: told from code and quotes by what GitHub shows. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseCommands } from '../../src/commands/command-registry.ts'
import { isMisplaced, mayBeMisplaced } from '../../src/core/command/find.ts'
import { cmarkAvailable, renderAll } from '../support/cmark-gfm.ts'
import { seen } from '../support/pages.ts'
import { spentOn } from '../support/thread-time.ts'
import { exhaustive } from '../support/tries.ts'

const misplaced: [string, string][] = [
  ['a list item', '- /codex fix it'],
  ['a numbered item', '1. /codex fix it'],
  ['a task', '- [ ] /codex fix it'],
  ['an item of an inner list', '- a\n  - /codex fix it'],
  ['a heading', '## /codex fix it'],
  ['a table cell', '| a |\n|---|\n| /codex fix it |'],
  ['a later table cell', '| a | b |\n|---|---|\n| x | /codex fix it |'],
  ['a line indented by four blanks', 'Please:\n\n    /codex fix it'],
  ['a line indented by a tab', '\t/codex fix it'],
  ['an indented line of a paragraph', 'Please\n      /codex fix it'],
  ['with other line ends', 'Please:\r\n\r\n- /codex fix it'],
  ['a line behind a courtesy', 'Please /codex fix it'],
  ['a line behind several', 'Hi @maya, can you please /codex fix it?'],
  ['a line behind a picture', '🙏 /codex fix it'],
  ['a line behind a courtesy of others', 'Bitte /codex：…'],
  ['a line behind a sentence', 'Looks good so far. /codex fix it'],
  ['a line behind a sentence of others', '看起来不错。 /codex 修复'],
  ['bold', '**/codex fix it**'],
]

const silent: [string, string][] = [
  ['in a fence', '```\n- /codex fix it\n```'],
  ['in code of a list', '- `/codex fix it`'],
  ['in a quote', '> - /codex fix it'],
  ['in a link', '- [/codex fix it](https://example.com)'],
  ['in HTML', '<pre>\n- /codex fix it\n</pre>'],
  ['in a comment that nobody sees', '<!--\n- /codex fix it\n-->'],
  ['in the midst of a sentence', 'Write /codex help to see'],
  ['below the first line of indented code', '    make\n    /codex fix it'],
  ['as a part of a word', '- /codexes'],
  ['in a path', '| /codex/src |'],
  ['in a path in a sentence', 'see /codex/readme'],
  ['in a path behind a sentence', 'It is there. /codex/readme has it'],
  ['as a question', 'What about /codex?'],
  ['of which somebody tells', 'I tried /codex yesterday'],
  ['of which somebody tells more', 'The docs of /codex say so'],
  ['at the end of a sentence', 'I like it. /codex'],
  ['as another word', 'Please /codex-cli'],
  ['behind a courtesy, in code', 'Please `/codex fix it`'],
  ['behind a courtesy, in a quote', '> Please /codex fix it'],
]

describe('a misplaced command', () => {
  test.each(misplaced)('in %s gets a hint, and is none', (_, text) => {
    expect(mayBeMisplaced(text)).toBe(true)
    expect(isMisplaced(seen(text))).toBe(true)
    expect(parseCommands(seen(text))).toEqual([])
  })

  test.each(silent)('%s is none', (_, text) => {
    expect(isMisplaced(seen(text))).toBe(false)
  })

  test.skipIf(!exhaustive || !cmarkAvailable())('is never one that GitHub shows as code or a quote', () => {
    const part = fc.constantFrom(
      ...['', '- ', '1. ', '# ', '> ', '| ', '    ', '\t', '```\n', '~~~\n', '`', 'a\n', '\n', '<pre>\n'],
    )
    const text = fc
      .array(part, { maxLength: 5 })
      .chain(before =>
        fc.array(part, { maxLength: 3 }).map(after => `${before.join('')}/codex do\n${after.join('')}`),
      )
    const texts = fc.sample(text, { numRuns: 1_000, seed: 13 }).filter(each => isMisplaced(seen(each)))
    expect(texts.length).toBeGreaterThan(100)
    const wrong = renderAll(texts, { raw: false }).flatMap((page, index) => {
      const own = page.replace(/<blockquote>[\s\S]*<\/blockquote>|<code>(?!\s*\/codex)[\s\S]*?<\/code>/g, '')
      return own.includes('/codex do') ? [] : [{ text: texts[index], page }]
    })
    expect(wrong.slice(0, 3)).toEqual([])
  })

  test('costs no more than the text is long', () => {
    for (const sign of ['- ', '# ', '1. ', '| ', '|', ' ', '\t', '[ ] ', '- [ ] ', '#']) {
      const text = `${sign.repeat(60_000 / sign.length)}x`
      expect(
        spentOn(() => mayBeMisplaced(text)),
        JSON.stringify(sign),
      ).toBeLessThan(50)
    }
  })
})
