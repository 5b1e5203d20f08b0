import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Rejected } from '../../src/core/model/errors.ts'
import {
  assetId,
  attachmentsIn,
  redirectTarget,
  signedAddresses,
} from '../../src/core/text/attachment-links.ts'
import { isStagingLost } from '../../src/runs/steps/after-fault.ts'
import { seen } from '../support/pages.ts'
import { spentOn } from '../support/thread-time.ts'

const thread = 'https://github.com/acme/shop/issues/7'
const enterprise = 'https://github.acme.example/acme/shop/issues/7'
const emulator = 'http://127.0.0.1:4000/acme/shop/issues/7'

const id = '880fbe21-506b-458b-8be6-71ac826d92f5'
const image = `https://github.com/user-attachments/assets/${id}`
const log = 'https://github.com/user-attachments/files/15012345/server.log'

const urls = (markdown: string, page = thread) =>
  attachmentsIn(seen(markdown).page, page).map(({ url }) => url)
const names = (markdown: string) =>
  attachmentsIn(seen(markdown).page, thread).map(({ name }) => name)

describe('an attachment', () => {
  test.each([
    ['an image', `![Image](${image})`, image],
    ['a pasted image', `<img width="601" height="20" alt="Image" src="${image}" />`, image],
    ['a pasted image inside a line', `It shows <img alt='Image' src='${image}'> again.`, image],
    [
      'an image in HTML',
      `<details>\n<summary>A</summary>\n<p><IMG SRC=${image}></p>\n</details>`,
      image,
    ],
    ['a file', `[server.log](${log})`, log],
    ['a bare address', `See ${log}.`, log],
    ['an address in angle brackets', `See <${image}>.`, image],
    ['an image that is a link', `[![Image](${image})](${image})`, image],
    ['a reference', `The [log][1] says it.\n\n[1]: ${log}`, log],
    ['an image reference', `![shot]\n\n[shot]: ${image} "Shot"`, image],
    ['a cell of a table', `| a |\n|---|\n| ![Image](${image}) |`, image],
    ['an item of a list', `- [ ] look\n  ![Image](${image})`, image],
    [
      'a signed image',
      `<img src="https://private-user-images.githubusercontent.com/1/2-${id}.png?jwt=a&amp;b=c">`,
      `https://private-user-images.githubusercontent.com/1/2-${id}.png`,
    ],
    [
      'an address in capitals',
      '[a](HTTPS://GitHub.COM:443/user-attachments/files/1/a.log)',
      'https://github.com/user-attachments/files/1/a.log',
    ],
    ['an address with a fragment', `[a](${log}#L3)`, log],
  ])('is %s', (_, markdown, expected) => expect(urls(markdown)).toEqual([expected]))

  test.each([
    'https://github.com/acme/shop/files/6792255/a.zip',
    `https://github.com/acme/shop/assets/1826685/${id}`,
    `https://user-images.githubusercontent.com/1/${id}.png`,
  ])('of a repository is at %s', address => {
    expect(urls(`![a](${address})`)).toEqual([address])
    expect(urls(`[a](${address})`)).toEqual([address])
  })

  test.each([
    ['an ordinary link', '[a](https://github.com/acme/shop/pull/8/files)'],
    ['a page of the repository', '[a](https://github.com/acme/shop/blob/main/assets/1/a.png)'],
    ['the list of attachments', '[a](https://github.com/user-attachments/assets/)'],
    ['a release', '[a](https://github.com/acme/shop/releases/download/v1/a.zip)'],
    [
      'the raw file of a repository',
      '![a](https://raw.githubusercontent.com/acme/shop/main/a.png)',
    ],
    ['an avatar', '![a](https://avatars.githubusercontent.com/u/1)'],
    ['another site', '![a](https://example.org/user-attachments/assets/1)'],
    ['text without a link', 'user-attachments/assets/1 at github.com'],
    ['a relative address', '[a](/user-attachments/files/1/a.log)'],
    ['an address without a scheme', '[a](//github.com/user-attachments/files/1/a.log)'],
    [
      'a source that is an alternative text',
      `<img alt="src=${image}" src="https://example.org/a.png">`,
    ],
    ['another element', `<video src="${image}"></video> <script src="${image}"></script>`],
    ['another attribute', `<img data-src="${image}">`],
  ])('is not %s', (_, markdown) => expect(urls(markdown)).toEqual([]))

  test.each([
    ['a host after a user', 'https://github.com@evil.example/user-attachments/files/1/a.log'],
    [
      'a host after a password',
      'https://github.com:443@evil.example/user-attachments/files/1/a.log',
    ],
    ['a user before the host', 'https://evil@github.com/user-attachments/files/1/a.log'],
    ['a password before the host', 'https://a:b@github.com/user-attachments/files/1/a.log'],
    ['another port', 'https://github.com:8443/user-attachments/files/1/a.log'],
    ['a subdomain', 'https://a.github.com/user-attachments/files/1/a.log'],
    ['a longer host', 'https://github.com.evil.example/user-attachments/files/1/a.log'],
    ['a host with a prefix', 'https://evilgithub.com/user-attachments/files/1/a.log'],
    ['a host with a dot at its end', 'https://github.com./user-attachments/files/1/a.log'],
    ['a look-alike host', 'https://gіthub.com/user-attachments/files/1/a.log'],
    ['an image host with a prefix', 'https://evil-user-images.githubusercontent.com/1/a.png'],
    [
      'an image host of somebody else',
      'https://user-images.githubusercontent.com.evil.example/1/a.png',
    ],
    ['plain http', 'http://github.com/user-attachments/files/1/a.log'],
    [
      'a data address',
      'data:image/png;base64,iVBORw0KGgo#https://github.com/user-attachments/assets/1',
    ],
    ['a file', 'file:///user-attachments/assets/1?https://github.com/'],
    ['a script', "javascript:fetch('https://github.com/user-attachments/assets/1')"],
    [
      'a backslash before the host',
      'https:\\\\evil.example\\@github.com/user-attachments/files/1/a.log',
    ],
    ['an address of this machine', 'http://127.0.0.1/user-attachments/assets/1?github.com'],
    ['the metadata of the cloud', 'http://169.254.169.254/user-attachments/assets/1?github.com'],
    ['an IPv6 address', 'http://[::ffff:169.254.169.254]/user-attachments/assets/1?github.com'],
    ['a number for an address', 'http://2130706433/user-attachments/assets/1?github.com'],
    ['a path that climbs', 'https://github.com/user-attachments/assets/../../login?github.com'],
    [
      'a path that climbs in code',
      'https://github.com/user-attachments/assets/%2e%2e/%2e%2e/login',
    ],
    ['an encoded slash', 'https://github.com/user-attachments/assets/..%2f..%2flogin'],
  ])('is never %s', (_, address) =>
    expect(urls(`![a](<${address}>)\n\n[a](<${address}>)\n\n<img src="${address}">`)).toEqual([]),
  )

  test.each([
    ['a block of code', `\`\`\`\n![Image](${image})\n\`\`\``],
    ['an indented block of code', `    ![Image](${image})`],
    ['code', `\`![Image](${image})\``],
    ['a quote', `> ![Image](${image})\n> <img src="${image}">`],
    ['a quote in a list', `- > [log](${log})`],
    [
      'a quote in HTML',
      `<blockquote>\n\n![Image](${image})\n\n<p><img src="${image}"></p></blockquote>`,
    ],
    ['code in HTML', `<pre><img src="${image}"></pre> a <code><img src="${image}"></code>`],
    ['a comment', `<!-- ![Image](${image}) <img src="${image}"> -->`],
    ['a comment over several lines', `<!--\n\n<img src="${image}">\n\n![Image](${image})\n-->`],
    [
      'an open comment',
      `<div><!--\n\n![Image](${image}) -\\-> ${log}\n\n<img src="${image}">\n\n--></div>`,
    ],
    ['a comment without an end', `<div>\n<!-- \n\n![Image](${image})`],
    ['an empty comment', `<!--> <img src="${image}">`],
    [
      'what follows a comment that Markdown interrupts',
      `<div><!--\n\nso\n\n<p>--></p></div>\n\n![Image](${image})`,
    ],
    ['what follows a lone end', `</blockquote>\n\n![Image](${image})`],
    ['a tag without an end', `<div title="\n<img src='${image}'>`],
  ])('is not seen in %s', (_, markdown) => expect(urls(markdown)).toEqual([]))

  test.each([
    ['a quote', `> so\n\n![Image](${image})`],
    ['a quote in HTML', `<blockquote>\n\nso\n\n</blockquote>\n\n![Image](${image})`],
    ['a comment', `<!-- fill this in -->\n![Image](${image})`],
    ['a less-than sign', `1 < 2 <b>so</b> <img src="${image}">`],
  ])('is seen after %s', (_, markdown) => expect(urls(markdown)).toEqual([image]))

  test('is counted once, whatever its address', () => {
    const again = `https://private-user-images.githubusercontent.com/1/2-${id.toUpperCase()}.png?jwt=x`
    expect(urls(`![a](${image})\n\n![b](${image}#c)\n\n![c](${again})\n\n[log](${log})`)).toEqual([
      image,
      log,
    ])
  })

  test('is one of the first ten', () => {
    const many = Array.from(
      { length: 12 },
      (_, index) => `https://github.com/user-attachments/files/${index}/a.log`,
    )
    expect(urls(many.join('\n\n'))).toEqual(many.slice(0, 10))
  })

  test.each([
    [enterprise, 'https://github.acme.example'],
    [emulator, 'http://127.0.0.1:4000'],
  ])('is on the server of the thread: %s', (page, origin) => {
    const file = `${origin}/user-attachments/files/1/a.log`
    const old = `${origin}/acme/shop/files/1/b.log`
    const others = [
      image,
      'https://user-images.githubusercontent.com/1/a.png',
      'http://127.0.0.1:4001/user-attachments/files/1/a.log',
    ]
    expect(urls([file, old, ...others].join('\n\n'), page)).toEqual([file, old])
    expect(
      urls(file.replace(/^https?/, origin.startsWith('https') ? 'http' : 'https'), page),
    ).toEqual([])
  })

  test('is nowhere when the page has no address', () =>
    expect(urls(`![](${image})`, 'nowhere')).toEqual([]))

  test('is looked for in any text without failing', () => {
    const signs = [...'<>"\'`\n[]()!']
    const piece = fc.constantFrom(...signs, '<!--', '-->', '<img src=', image, '<pre>', '</pre>')
    fc.assert(
      fc.property(fc.array(fc.oneof(piece, fc.string()), { maxLength: 40 }), pieces => {
        for (const url of urls(pieces.join('')))
          expect(new URL(url).origin).toBe('https://github.com')
      }),
    )
  })

  test.each(['<a "', '<!--', '<img src="x" ', "<div><img alt='", '<a '])(
    'is looked for in time: %s',
    piece =>
      expect(spentOn(() => urls(`<div>\n${piece.repeat(12_000)}${image}`))).toBeLessThan(2_000),
  )
})

test.each([
  ['the words of a file', `[server.log](${log})`, 'server.log'],
  ['the path of an image, whose words nobody sees', `![Login page, broken](${image})`, id],
  ['marked words', `[the **big** \`log\`](${log})`, 'the big log'],
  ['the path, where there are no words', `![](${image})`, id],
  ['the path of a bare address', log, 'server.log'],
  ['a path with escapes', 'https://github.com/user-attachments/files/1/a%20b.log', 'a b.log'],
  [
    'a path with broken escapes',
    'https://github.com/user-attachments/files/1/a%E0.log',
    'a%E0.log',
  ],
  ['words with what is not seen', `[a\u202Egnp.\u200Blog\u0007](${log})`, 'agnp.log'],
  ['words over several lines', `[a\nb](${log})`, 'a b'],
  ['words without end', `[${'x'.repeat(400)}](${log})`, 'x'.repeat(200)],
])('the name of an attachment comes from %s', (_, markdown, expected) =>
  expect(names(markdown)).toEqual([expected]),
)

describe('a redirect', () => {
  const from = new URL(image)
  test.each([
    [
      'https://github-production-user-asset-6210df.s3.amazonaws.com/1/a.png?X-Amz-Signature=b',
      thread,
    ],
    ['https://objects.githubusercontent.com/a', thread],
    ['https://private-user-images.githubusercontent.com/a?jwt=b', thread],
    ['/acme/shop/assets/1', thread],
    ['https://media.github.acme.example/user/1/files/a?token=b', enterprise],
    ['https://github.acme.example/storage/user/1/files/a', enterprise],
    ['http://127.0.0.1:4000/storage/a', emulator],
  ])('to %s is followed', (location, page) => {
    const base = page === thread ? from : new URL(page)
    expect(redirectTarget(location, base, page)?.href).toBe(new URL(location, base).href)
  })

  test.each([
    'http://169.254.169.254/latest/meta-data/',
    'https://169.254.169.254/latest/meta-data/',
    'http://127.0.0.1/',
    'http://127.0.0.1:4001/',
    'https://localhost/',
    'http://[::1]/',
    'http://metadata.google.internal/',
    'http://objects.githubusercontent.com/a',
    'https://objects.githubusercontent.com:8443/a',
    'https://githubusercontent.com/a',
    'https://evilgithubusercontent.com/a',
    'https://a.githubusercontent.com.evil.example/a',
    'https://a@objects.githubusercontent.com/a',
    'https://s3.amazonaws.com/bucket/a',
    'https://a.s3.amazonaws.com.evil.example/',
    '//evil.example/a',
    'file:///etc/passwd',
    'data:text/plain,a',
    'http://',
  ])('to %s is not', location => {
    for (const page of [thread, enterprise, emulator])
      expect(redirectTarget(location, from, page)?.href).toBeUndefined()
  })

  test('down to plain http is not', () => {
    expect(redirectTarget('http://github.com/a', from, thread)).toBeUndefined()
    expect(redirectTarget('https://127.0.0.1:4000/a', from, emulator)).toBeUndefined()
  })
})

test('signed addresses are found by what they show', () => {
  const signed = `https://private-user-images.githubusercontent.com/1/2-${id}.png?jwt=a`
  const html = `<p><a href="${signed}&amp;b=c"><img src="${signed}&amp;b=c"></a>
    <img src="https://private-user-images.githubusercontent.com.evil.example/1/2-${id}.png">
    <img src="https://private-user-images.githubusercontent.com/none?jwt=a"></p>`
  expect(new Map(signedAddresses(html))).toEqual(new Map([[id, `${signed}&b=c`]]))
  expect(assetId(signed)).toBe(assetId(image))
  expect(assetId(log)).toBeUndefined()
})

test('lost staging is told from other refusals', () => {
  const lost = 'Some pending_user_artifact_ids are invalid or expired'
  expect(isStagingLost(new Rejected('posthog', 400, '', lost))).toBe(true)
  expect(isStagingLost(new Rejected('posthog', 400, '', 'This field may not be blank.'))).toBe(
    false,
  )
  expect(isStagingLost(new Rejected('posthog', 404, 'not_found', lost))).toBe(false)
})
