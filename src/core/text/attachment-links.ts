/** The attachments among the links and pictures that a page shows. */
import { type Attachment, maxAttachments } from './attachment.ts'
import { assetId, attachmentAddress } from './attachment-address.ts'
import { nameOf } from './attachment-name.ts'
import type { ShownText } from './shown-text.ts'

/** @param webUrl any page of the text's GitHub, e.g. the thread's `html_url` */
export function attachmentsIn(
  page: Pick<ShownText, 'files'> | undefined,
  webUrl: string,
  most = maxAttachments,
): Attachment[] {
  if (!page || !URL.canParse(webUrl)) return []
  const candidates = page.files.flatMap(({ url, words }) => {
    const address = attachmentAddress(url, webUrl)
    return address ? [{ name: nameOf(words, address), url: address.href }] : []
  })
  return onlyOnce(candidates).slice(0, most)
}

export function onlyOnce(attachments: readonly Attachment[]): Attachment[] {
  const seen = new Set<string>()
  return attachments.filter(({ url }) => {
    const key = assetId(url) ?? url
    return !seen.has(key) && seen.add(key)
  })
}
