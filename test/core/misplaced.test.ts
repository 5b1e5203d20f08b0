/** A command where none is read: told from code and quotes by what GitHub shows. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseCommands } from '../../src/commands/command-registry.ts'
import { mayBeMisplaced, misplacedIn } from '../../src/core/command/misplaced.ts'
import { cmarkAvailable, renderAll } from '../support/cmark-gfm.ts'
import { seen } from '../support/pages.ts'
import { spentOn } from '../support/thread-time.ts'
import { exhaustive } from '../support/tries.ts'

const misplaced = [
  '- /codex fix it',
  '1. /codex fix it',
  '- [ ] /codex fix it',
  '- a\n  - /codex fix it',
  '## /codex fix it',
  '| a |\n|---|\n| /codex fix it |',
  '| a | b |\n|---|---|\n| x | /codex fix it |',
  'Please:\n\n    /codex fix it',
  '\t/codex fix it',
  'Please\n      /codex fix it',
  'Please:\r\n\r\n- /codex fix it',
  'Please /codex fix it',
  'Hi @maya, can you please /codex fix it?',
  '🙏 /codex fix it',
  'Bitte /codex：…',
  'Looks good so far. /codex fix it',
  '看起来不错。 /codex 修复',
  '**/codex fix it**',
]

const silent = [
  '```\n- /codex fix it\n```',
  '- `/codex fix it`',
  '> - /codex fix it',
  '- [/codex fix it](https://example.com)',
  '<pre>\n- /codex fix it\n</pre>',
  '<!--\n- /codex fix it\n-->',
  'Write /codex help to see',
  '    make\n    /codex fix it',
  '- /codexes',
  '| /codex/src |',
  'see /codex/readme',
  'It is there. /codex/readme has it',
  'What about /codex?',
  'I tried /codex yesterday',
  'The docs of /codex say so',
  '/codexes are many',
  '/codex-cli fix',
  '/code review',
  '/codec fix',
  '/codx/readme',
  'codx fix it',
  '/cortex fix it',
  '/ fix codex',
  '`/codx fix it`',
  '> /codx fix it',
  'so /codx fix it',
  'I like it. /codex',
  'Please /codex-cli',
  'Please `/codex fix it`',
  '> Please /codex fix it',
]

describe('a misplaced command', () => {
  test.each(misplaced)('%j gets a hint, and is none', text => {
    expect(mayBeMisplaced(text)).toBe(true)
    expect(misplacedIn(seen(text))).toEqual({ kind: 'misplaced' })
    expect(parseCommands(seen(text))).toEqual([])
  })

  test.each([
    ['/codx fix it', '/codx', '/codex'],
    ['Hi.\n\n/Cdoex: fix it', '/Cdoex', '/codex'],
    ['/ codex fix it', '/ codex', '/codex'],
    ['/codexReview the locking', '/codexReview', '/codex review'],
  ])('%j is a slip of its word, and gets one', (text, given, meant) => {
    expect(mayBeMisplaced(text)).toBe(true)
    expect(misplacedIn(seen(text))).toEqual({ kind: 'unknown-word', given, meant })
  })

  test.each([
    ['/fax it', 'fix', undefined],
    ['/bota it', 'bots', 'unknown-word'],
    ['@bots fix it', 'bots @my-app', 'unknown-word'],
    ['@bots fix it', 'bots', undefined],
    ['@bota fix it', 'bots @my-app', undefined],
    ['@ bots fix it', 'bots @my-app', undefined],
    ['thanks @bots', 'bots @my-app', undefined],
    ['`@bots fix it`', 'bots @my-app', undefined],
  ])('%j, where %j calls the bot: %s', (text, calls, kind) =>
    expect(misplacedIn(seen(text), calls)?.kind).toBe(kind),
  )

  test.each(silent)('%j gets none', text => expect(misplacedIn(seen(text))).toBeUndefined())

  test.skipIf(!exhaustive || !cmarkAvailable())(
    'is never one that GitHub shows as code or a quote',
    () => {
      const part = fc.constantFrom(
        '',
        '- ',
        '1. ',
        '# ',
        '> ',
        '| ',
        '    ',
        '\t',
        '```\n',
        '~~~\n',
        '`',
        'a\n',
        '\n',
        '<pre>\n',
      )
      const text = fc
        .array(part, { maxLength: 5 })
        .chain(before =>
          fc
            .array(part, { maxLength: 3 })
            .map(after => `${before.join('')}/codex do\n${after.join('')}`),
        )
      const texts = fc
        .sample(text, { numRuns: 1_000, seed: 13 })
        .filter(each => misplacedIn(seen(each)))
      expect(texts.length).toBeGreaterThan(100)
      const wrong = renderAll(texts, { raw: false }).flatMap((page, index) => {
        const own = page.replace(
          /<blockquote>[\s\S]*<\/blockquote>|<code>(?!\s*\/codex)[\s\S]*?<\/code>/g,
          '',
        )
        return own.includes('/codex do') ? [] : [{ text: texts[index], page }]
      })
      expect(wrong.slice(0, 3)).toEqual([])
    },
  )

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
