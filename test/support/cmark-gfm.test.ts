import { describe, expect, test } from 'vitest'
import { cmarkAvailable, render, renderAll } from './cmark-gfm.ts'

describe.skipIf(!cmarkAvailable())('GitHub’s Markdown engine', () => {
  test('knows what GitHub added to CommonMark', () => {
    expect(render('| a |\n|-|\n| ~~b~~ |')).toContain('<td><del>b</del></td>')
    expect(render('- [x] www.example.org [^1]\n\n[^1]: n')).toMatch(
      /type="checkbox" checked.+<a href="http:.+<sup/,
    )
    expect(render('<script>')).toContain('&lt;script>')
  })

  test('breaks a comment where its writer did, and a file not', () => {
    expect(render('a\nb')).toBe('<p>a<br />\nb</p>\n')
    expect(render('a\nb', { hardBreaks: false })).toBe('<p>a\nb</p>\n')
  })

  test('leaves HTML standing, or says that it was there', () => {
    expect(render('<b>a')).toBe('<p><b>a</p>\n')
    expect(render('<b>a', { raw: false })).toBe('<p><!-- raw HTML omitted -->a</p>\n')
  })

  test('gives the tree', () => {
    expect(render('a', { to: 'xml' })).toContain('<text xml:space="preserve">a</text>')
  })

  test('keeps texts apart, whatever one of them leaves open', () => {
    expect(renderAll(['```', 'a', '<!--', 'b'])).toEqual([
      '<pre><code></code></pre>\n',
      '<p>a</p>\n',
      '<!--\n',
      '<p>b</p>\n',
    ])
  })

  test('counts no more than 255 backticks of a fence', () => {
    const [longer, counted] = ['`'.repeat(300), '`'.repeat(255)]
    expect(render(`${longer}\n${counted}\n/codex x\n${longer}`)).toContain('<p>/codex x')
  })
})
