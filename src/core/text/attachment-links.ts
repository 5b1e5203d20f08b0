import { type Attachment, maxAttachments } from './attachment.ts'
import { assetId, attachmentAddress } from './attachment-address.ts'
import { nameOf } from './attachment-name.ts'
import { readMarkdown } from './markdown.ts'
import { type Shown, shownLinks } from './shown-links.ts'
import { timeFor, withinTime } from './within-time.ts'

/** @param webUrl any page of the text's GitHub, e.g. the thread's `html_url` */
export function attachmentsIn(markdown: string, webUrl: string, most = maxAttachments): Attachment[] {
  if (!URL.canParse(webUrl) || !mayHoldAttachment(markdown, new URL(webUrl))) return []
  const candidates = linksIn(markdown).flatMap(({ url, words }) => {
    const address = attachmentAddress(url, webUrl)
    return address ? [{ name: nameOf(words, address), url: address.href }] : []
  })
  return onlyOnce(candidates).slice(0, most)
}

function linksIn(markdown: string): Shown[] {
  const read = withinTime(() => {
    const tree = readMarkdown(markdown)
    return tree ? shownLinks(tree) : []
  }, timeFor(markdown))
  return read ?? []
}

function mayHoldAttachment(markdown: string, { host }: URL): boolean {
  const text = markdown.toLowerCase()
  return text.includes(host) || text.includes('githubusercontent.com')
}

export function onlyOnce(attachments: readonly Attachment[]): Attachment[] {
  const seen = new Set<string>()
  return attachments.filter(({ url }) => {
    const key = assetId(url) ?? url
    return !seen.has(key) && seen.add(key)
  })
}
