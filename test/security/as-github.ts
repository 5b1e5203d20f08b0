/**
 * What GitHub would act on in a comment: the Markdown is rendered to HTML, and the HTML is read the way
 * GitHub's filters read it. Knows nothing of how our comments are made.
 */
import { micromark } from 'micromark'
import { gfm, gfmHtml } from 'micromark-extension-gfm'

const htmlOf = (markdown: string, allowDangerousHtml: boolean) =>
  micromark(markdown, {
    allowDangerousHtml,
    allowDangerousProtocol: true,
    extensions: [gfm()],
    htmlExtensions: [gfmHtml()],
  })

/** One line each, e.g. `mention @sam`. Code is left alone, as GitHub leaves it. */
export function actedOn(markdown: string): string[] {
  const html = htmlOf(markdown, false)
  // Raw HTML is the one difference between the two ways of rendering.
  const raw = html === htmlOf(markdown, true) ? [] : ['HTML']
  return [...raw, ...actsIn(html)]
}

/** The same of HTML that another engine made, with what the writer's own HTML left in it. */
export function actedOnIn(html: string): string[] {
  const tags = [...html.matchAll(/<\/?([a-z][a-z0-9]*)|<!--|<\?|<!/gi)].filter(
    ([, tag]) => tag === undefined || !made.has(tag.toLowerCase()),
  )
  return [...tags.map(([tag]) => `HTML ${tag}`), ...actsIn(html)]
}

/** Tags that Markdown makes. */
const made = new Set(
  'p br hr h1 h2 h3 h4 h5 h6 ul ol li blockquote pre code a em strong del table thead tbody tr th td input img sup section'.split(
    ' ',
  ),
)

function actsIn(html: string): string[] {
  const { texts, links, images } = partsOf(html)
  return [
    ...images.map(image => `image ${image}`),
    ...links.filter(link => !isPlain(link)).map(({ words, to }) => `link ${words} → ${to}`),
    ...texts.flatMap(text => [...text.matchAll(signals)].map(([found]) => `words ${found}`)),
  ]
}

/** People, teams and commits; issues by number; issues by address, where the address is no link. */
const signals = /@[a-z0-9][\w/-]*|#\d+|\bGH-\d+|\/(?:issues|pulls?|discussions)\/\d+/gi

interface Link {
  to: string
  words: string
}

/** Says where it goes, and that is no thread, which would be told that it is spoken of. */
const isPlain = ({ to, words }: Link) =>
  /^https?:\/\//i.test(to) &&
  [words, `http://${words}`].some(said => sameAddress(said, to)) &&
  !/\/(?:issues|pulls?|discussions)\/\d/i.test(to)

/** The address in `href` is written in ASCII. */
const sameAddress = (said: string, to: string) => said === to || encoded(said) === encoded(to)

function encoded(address: string): string {
  try {
    return encodeURI(decodeURI(address.toWellFormed()))
  } catch {
    return encodeURI(address.toWellFormed()).replaceAll('%25', '%')
  }
}

/** Texts of blocks, joined across what only marks them up; a piece of code stands there as one sign. */
function partsOf(html: string): { texts: string[]; links: Link[]; images: string[] } {
  const parts = { texts: [''], links: [] as Link[], images: [] as string[] }
  let code = 0
  let link: Link | undefined
  const say = (text: string): void => {
    if (code > 0) return
    if (link) link.words += text
    else parts.texts.push(`${parts.texts.pop()}${text}`)
  }
  for (const [, slash, tag = '', attributes = '', text] of html.matchAll(tagOrText)) {
    if (text !== undefined) say(unescaped(text))
    else if (tag === 'code' || tag === 'pre') {
      if (!slash) say('\ufffc')
      code += slash ? -1 : 1
    } else if (tag === 'a') {
      if (link) parts.links.push(link)
      link = slash ? undefined : { to: attribute(attributes, 'href'), words: '' }
      if (link) say('')
    } else if (tag === 'img') parts.images.push(attribute(attributes, 'src'))
    else if (!inline.has(tag)) parts.texts.push('')
  }
  return parts
}

const tagOrText = /<(\/?)([a-z][a-z0-9]*)((?:[^>"]|"[^"]*")*)>|([^<]+)/g
const inline = new Set(['em', 'strong', 'del', 'sup'])

const attribute = (attributes: string, name: string) =>
  unescaped(new RegExp(`${name}="([^"]*)"`).exec(attributes)?.[1] ?? '')

const characters: Readonly<Record<string, string>> = {
  lt: '<',
  gt: '>',
  quot: '"',
  amp: '&',
  '#x27': "'",
}

const unescaped = (text: string) =>
  text.replace(/&(lt|gt|quot|amp|#x27);/g, (_, name: string) => characters[name] ?? '')
