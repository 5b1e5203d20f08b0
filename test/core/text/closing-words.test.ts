import { describe, expect, test } from 'vitest'
import { markerSigner } from '../../../src/core/record/marker.ts'
import { closesIssue, withFirst } from '../../../src/core/text/markdown.ts'
import { withoutMarkers } from '../../../src/core/text/safe-markdown.ts'
import { cmarkAvailable, render } from '../../support/cmark-gfm.ts'

const issue = {
  owner: 'acme',
  repo: 'shop',
  number: 7,
  url: 'https://github.com/acme/shop/issues/7',
}

test.each([
  'Closes #7',
  'words\n\nFixes: #7.',
  'resolved acme/shop#7',
  '- fix #7',
  '# close #7',
  'fixes https://github.com/acme/shop/issues/7',
  '**Closes #7**',
  '```\ncode\n```\nCloses #7',
  '<!-- note -->\n\nCloses #7',
  '| a |\n|-|\n| closes #7 |',
])('%j closes the issue', body => expect(closesIssue(body, issue)).toBe(true))

const swallowed = [
  '`Closes #7`',
  '```\nCloses #7\n```',
  '```\nCloses #7',
  '~~~\nwords\n\nCloses #7',
  '    Closes #7',
  '<!-- Closes #7 -->',
  '<!--\n\nCloses #7',
  '<pre>\n\nCloses #7',
  `${'`'.repeat(4)}\n\`\`\`\nCloses #7`,
]

test.each([
  ...swallowed,
  '> Closes #7',
  'Closes #71',
  'Encloses #7',
  'Closes evil/shop#7',
  '[Closes #7](https://evil.example)',
  'Closes `#7`',
  'Closes\n\n#7',
  'https://github.com/acme/shop/issues/7 fixes',
  'fixes https://github.com/acme/shop/issues/7/x',
  '',
  `${'a\n=\n'.repeat(15_000)}\nCloses #7`,
])('%j does not close the issue', body => expect(closesIssue(body, issue)).toBe(false))

const marker = markerSigner('secret').write({ run: 'a', repo: 1, thread: 2, as: 'pull' })

describe('what is ours stands first', () => {
  const wanted = (body: string) => withFirst(['Closes #7', marker], body)

  test('before the words of others, and nothing of it twice', () => {
    expect(wanted('  words\n')).toBe(`Closes #7\n\n${marker}\n\nwords`)
    expect(withFirst([], 'words')).toBe('words')
    expect(wanted('')).toBe(`Closes #7\n\n${marker}`)
  })

  test.each([...swallowed, '<!--', '```', '<script>', '<?', '[a]: <', '[', '<a href="', '$$'])(
    'whatever %j swallows',
    body => {
      expect(closesIssue(wanted(body), issue)).toBe(true)
      expect(markerSigner('secret').read(wanted(body), { repoId: 1, number: 2 })).toHaveLength(1)
    },
  )

  test.skipIf(!cmarkAvailable()).each([...swallowed, '<!--', '```', '<script>'])(
    'GitHub’s engine shows it before %j',
    body => expect(render(wanted(body))).toMatch(/^<p>Closes #7<\/p>\n<!-- codex-run:\S+ -->\n/),
  )
})

test('markers of others are broken in what we write', () => {
  expect(withoutMarkers(`a ${marker} b`)).not.toContain('codex-run:')
  expect(withoutMarkers('a <!-- x --> b')).toBe('a <!-- x --> b')
})
