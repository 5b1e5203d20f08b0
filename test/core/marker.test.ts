import { createHmac } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { aroundMarkers, type Marker, markerSigner, sealOf } from '../../src/core/record/marker.ts'
import { code, inlineWords, quoted, safeMarkdown } from '../../src/core/text/safe-markdown.ts'
import { boxFor } from '../../src/core/words/words.ts'
import { tries } from '../support/tries.ts'

const signer = markerSigner('the secret')
const here = { repoId: 100, number: 7 }
const marker: Marker = {
  run: 'run-comment-501',
  repo: 100,
  thread: 7,
  as: 'status',
  round: 0,
  task: 'task-1',
  taskRun: 'r-1',
  branch: 'codex/issue-7',
  what: 'work',
}
const written = signer.write(marker)

test('is an HTML comment that shows nothing, and is read back whole', () => {
  expect(written).toMatch(/^<!-- codex-run:[\w-]+\.[\w-]{43} -->$/)
  expect(signer.read(written, here)).toEqual([marker])
})

test('those of several runs on a pull request are read in their order, whatever stands between', () => {
  const first: Marker = { ...marker, as: 'pull' }
  const second = { ...first, run: 'run-2' }
  expect(
    signer.read(`${signer.write(first)}\r\n\r\nWords\n\n${signer.write(second)}\nmore`, here),
  ).toEqual([first, second])
})

test('of a comment only the last line that is one counts', () => {
  const older = signer.write({ ...marker, run: 'run-older' })
  expect(signer.read(`Words\n\n${older}\n\n${written}`, here)).toEqual([marker])
})

test.each([
  ['a ticked box', text => text.replace('[ ]', '[x]'), true],
  ['the ends of lines', text => text.replaceAll('\n', '\r\n'), true],
  ['another marker', text => `${text}\n\n${written}`, true],
  ['a word', text => text.replace('Drop', 'Keep'), false],
  ['blanks that push words aside', text => text.replace('Drop', ' Drop'), false],
  ['words below', text => `${text}\nAnd more`, false],
] satisfies [string, (text: string) => string, boolean][])(
  'a comment has its seal still after a change of %s: %o %s',
  (_, change, isSame) => {
    const text = '1. Drop it\n\n- [ ] Carry out this plan'
    expect(sealOf(change(text)) === sealOf(text)).toBe(isSame)
  },
)

test.each(['> ', '> > ', '    ', '- ', 'words ', '`', '&lt;', '\\'])(
  'words of others in our comments carry none: behind %j',
  before => expect(signer.read(`Words\n${before}${written}\n\nmore`, here)).toEqual([]),
)

test.each<(text: string) => string>([
  text => quoted(text, 100_000),
  code,
  text => inlineWords(text, 1_000),
  text => safeMarkdown(text),
])('an old one that the agent repeats is broken when we show it: %o', show => {
  const box = boxFor('approve')
  const escaped = [written, box].map(each => each.replace(':', '&#58;'))
  const hidden = [written, box].map(each => each.replace(/(?<=codex-\w*)(?=:)/, '\u{1bca0}'))
  const fenced = [written, box].map(each => `\`\`\`\n${each}\n\`\`\``)
  const long = `${'a\n=\n'.repeat(5_000)}\n${written}`
  for (const text of [written, box, ...escaped, ...hidden, ...fenced, long]) {
    expect(show(text)).not.toMatch(/codex-(?:run|box):/)
    expect(signer.read(show(text), here)).toEqual([])
  }
})

/** The payload of a marker with other words in it, and the old signature. */
const edited = (change: Partial<Marker>): string => {
  const [, , signature = ''] = /codex-run:([\w-]+)\.([\w-]+)/.exec(written) ?? []
  return `<!-- codex-run:${Buffer.from(JSON.stringify({ ...marker, ...change })).toString('base64url')}.${signature} -->`
}

const signedPlainly = (key: string): string => {
  const payload = Buffer.from(JSON.stringify(marker)).toString('base64url')
  return `<!-- codex-run:${payload}.${createHmac('sha256', key).update(payload).digest('base64url')} -->`
}

describe('is not read when it is', () => {
  test.each<[string, string, typeof here]>([
    ['copied to another thread', written, { ...here, number: 8 }],
    ['copied to another repository', written, { ...here, repoId: 101 }],
    ['edited', edited({ task: 'task-2' }), here],
    ['edited to fit another thread', edited({ thread: 8 }), { ...here, number: 8 }],
    ['signed by another bot', markerSigner('another secret').write(marker), here],
    ['signed with the secret itself', signedPlainly('the secret'), here],
    ['signed with nothing', signedPlainly(''), here],
    ['cut short', written.slice(0, -6), here],
    ['without its signature', written.replace(/\.[\w-]+ -->/, ' -->'), here],
    ['with a signature of zeros', written.replace(/\.[\w-]+ -->/, `.${'A'.repeat(43)} -->`), here],
    ['without its brackets', written.replace('<!-- ', '').replace(' -->', ''), here],
    ['signed, but not a marker', markerSigner('the secret').write(JSON.parse('{"run":7}')), here],
    ['not there', 'Words', here],
  ])('%s', (_, text, thread) => expect(signer.read(text, thread)).toEqual([]))

  test('changed in any one character of its signed part', () => {
    const [start, end] = [written.indexOf(':') + 1, written.length - ' -->'.length]
    for (let at = start; at < end; at += 1) {
      for (const letter of 'AB_') {
        if (letter === written[at]) continue
        const forged = `${written.slice(0, at)}${letter}${written.slice(at + 1)}`
        // The last character of base64url carries two bits that count for nothing.
        if (at !== end - 1) expect(signer.read(forged, here), forged).toEqual([])
      }
    }
  })
})

test('never throws, whatever the text', () => {
  const piece = fc.oneof(
    fc.constantFrom('<!-- codex-run:', '.', ' -->', 'A'.repeat(43), written, 'eyJ9'),
    fc.string({ unit: 'binary' }),
  )
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 12 }), pieces => {
      for (const read of signer.read(pieces.join(''), here)) expect(read).toEqual(marker)
    }),
    { numRuns: tries(500) },
  )
})

test('any marker is read back, in the text of any comment', () => {
  const text = fc.string({ unit: 'binary' }).map(words => words.toWellFormed())
  const any = fc.record({
    run: text,
    repo: fc.integer(),
    thread: fc.integer(),
    as: fc.constantFrom('status', 'closing', 'reply', 'pull'),
    branch: text,
  })
  fc.assert(
    fc.property(any, text, (given, words) => {
      expect(
        signer.read(`${words}\n${signer.write(given)}`, {
          repoId: given.repo,
          number: given.thread,
        }),
      ).toEqual([given])
    }),
    { numRuns: tries(300) },
  )
})

test('words around a marker are changed, and the marker is not', () => {
  const signer = markerSigner('secret')
  const marker = signer.write({ run: 'a', repo: 1, thread: 2, as: 'status' })
  const changed = aroundMarkers(`abc\n${marker}\nabc ${'<!-- codex-run:'}a\n${marker}`, words =>
    words.replaceAll(/[a-z]/g, 'x'),
  )
  expect(changed).toBe(`xxx\n${marker}\nxxx <!-- xxxxx-xxx:x\n${marker}`)
  expect(aroundMarkers('no marker', words => words.toUpperCase())).toBe('NO MARKER')
  const forged = `<!-- codex-run:abc.def -->`
  expect(aroundMarkers(forged, words => words.replaceAll('abc', 'x'))).toBe(
    '<!-- codex-run:x.def -->',
  )
})

test('one that was signed with a former secret is read, and never written again', () => {
  const now = markerSigner('the new secret', ['the secret'])
  expect(now.read(written, here)).toEqual([marker])
  expect(signer.read(now.write(marker), here)).toEqual([])
  expect(markerSigner('the new secret').read(written, here)).toEqual([])
})
